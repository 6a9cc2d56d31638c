// What a screen reader would find nothing to say about.
export function nameless(page) {
  return page.evaluate(() => {
    const label = (element) =>
      element.getAttribute("aria-label") ?? [...(element.labels ?? [])].map((one) => one.textContent).join("") ?? "";
    const described = (element) => (label(element) || element.textContent).trim() !== "";
    const controls = document.querySelectorAll(
      "button, select, input, a, [role=application], [role=region], [role=toolbar]",
    );
    const pictures = document.querySelectorAll("canvas:not([aria-hidden]), svg:not([aria-hidden]), img");
    const faults = [...controls]
      .filter((control) => !described(control))
      .map((control) => control.outerHTML.slice(0, 200));
    for (const picture of pictures) if (!label(picture)) faults.push(picture.outerHTML.slice(0, 200));
    if (document.documentElement.lang === "") faults.push("the page has no language");
    if (document.querySelectorAll("h1").length !== 1) faults.push("the page has not one h1");
    if (!document.querySelector("main")) faults.push("the page has no main");
    return faults;
  });
}
