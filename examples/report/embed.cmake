# Makes OUTPUT, a source file that holds the file PAGE; an empty one without PAGE.
set(bytes "")
set(size 0)
if(PAGE)
  file(READ ${PAGE} hex HEX)
  file(SIZE ${PAGE} size)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
endif()
file(WRITE ${OUTPUT} "#include <cstddef>

namespace report {
namespace {
const unsigned char page[] = {${bytes}0};
}
extern const char* const page_template;
extern const std::size_t page_template_size;
const char* const page_template = reinterpret_cast<const char*>(page);
const std::size_t page_template_size = ${size};
}  // namespace report
")
