# The libraries that ebb is built with: the system's where it has them, else fetched at a pinned version.
include(FetchContent)

function(ebb_dependency package target repository tag)
  find_package(${package} QUIET)
  if(NOT TARGET ${target})
    message(STATUS "${package}: not installed, fetching ${tag}")
    if(NOT tag MATCHES "^[0-9a-f]+$")  # a commit can't be cloned shallowly
      set(shallow GIT_SHALLOW ON)
    endif()
    FetchContent_Declare(${package} GIT_REPOSITORY ${repository} GIT_TAG ${tag} ${shallow})
    FetchContent_MakeAvailable(${package})
  endif()
endfunction()

set(FMT_INSTALL ${EBB_INSTALL})  # who includes ebb's headers includes fmt's
ebb_dependency(fmt fmt::fmt https://github.com/fmtlib/fmt.git 9.1.0)
set(EIGEN_BUILD_DOC OFF)
set(EIGEN_BUILD_TESTING OFF)
ebb_dependency(Eigen3 Eigen3::Eigen https://gitlab.com/libeigen/eigen.git 3.4.0)
ebb_dependency(nlohmann_json nlohmann_json::nlohmann_json https://github.com/nlohmann/json.git v3.11.2)
if(EBB_EXAMPLES OR EBB_TESTS)
  ebb_dependency(CLI11 CLI11::CLI11 https://github.com/CLIUtils/CLI11.git v2.1.2)
endif()
if(EBB_TESTS)
  ebb_dependency(doctest doctest::doctest https://github.com/doctest/doctest.git v2.4.9)
  ebb_dependency(rapidcheck rapidcheck https://github.com/emil-e/rapidcheck.git ff6af6fc683159deb51c543b065eba14dfcf329b)
endif()
