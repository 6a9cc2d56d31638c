# Somebody else's projects: ebb linked in every way, by every compiler that is here, with all warnings on.
# This build is installed as one kind of library. The other kind is built once, within a project that has ebb as a
# subdirectory, and installed from there.
set(kinds static shared)
if(BUILD_SHARED_LIBS)
  list(REVERSE kinds)
endif()
list(GET kinds 0 kind)
list(GET kinds 1 other_kind)
set(consumers ${CMAKE_CURRENT_BINARY_DIR}/consumer)

foreach(compiler g++ clang++)
  find_program(EBB_CONSUMER_${compiler} ${compiler})
  if(EBB_CONSUMER_${compiler})
    list(APPEND compilers ${compiler})
  else()
    message(STATUS "no ${compiler}: consumers are not built with it")
  endif()
endforeach()
if(NOT compilers)
  return()
endif()
find_program(EBB_PKG_CONFIG pkg-config)
if(NOT EBB_PKG_CONFIG)
  message(STATUS "no pkg-config: consumers are not built with it")
endif()

function(ebb_add_consumer way compiler)
  list(JOIN ebb_programs " " programs)
  add_test(NAME "consumer: ${way}, ${compiler}"
    COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${CMAKE_CURRENT_SOURCE_DIR}/consumer ${consumers}/${way}-${compiler}
      --build-generator ${CMAKE_GENERATOR} --build-noclean
      --build-options -DCMAKE_CXX_COMPILER=${EBB_CONSUMER_${compiler}} -DEBB_SOURCE_DIR=${PROJECT_SOURCE_DIR}
        "-DEBB_PROGRAMS=${programs}" ${ARGN}
      --test-command ${CMAKE_CTEST_COMMAND} --output-on-failure)
endfunction()

function(ebb_add_installation kind build)
  add_test(NAME "consumer: install ${kind}"
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/install.sh ${CMAKE_COMMAND} ${PROJECT_SOURCE_DIR} ${build}
      ${consumers}/${kind})
  set_tests_properties("consumer: install ${kind}" PROPERTIES FIXTURES_SETUP "${kind}" FIXTURES_REQUIRED "${ARGN}")
endfunction()

list(GET compilers 0 first)
foreach(compiler ${compilers})
  set(library -DBUILD_SHARED_LIBS=${BUILD_SHARED_LIBS})
  if(compiler STREQUAL first)
    set(library -DBUILD_SHARED_LIBS=$<NOT:$<BOOL:${BUILD_SHARED_LIBS}>> -DEBB_INSTALL=ON)
  endif()
  # With -O0 the programs would take longer to run than it saves.
  ebb_add_consumer(add_subdirectory ${compiler}
    -DEBB_AS_SUBDIRECTORY=ON ${library} -DEBB_ALL_LEVELS=OFF -DCMAKE_CXX_FLAGS=-O1)
endforeach()
if(NOT EBB_INSTALL)
  return()
endif()
set_tests_properties("consumer: add_subdirectory, ${first}" PROPERTIES FIXTURES_SETUP "built ${other_kind}")
ebb_add_installation(${kind} ${PROJECT_BINARY_DIR})
ebb_add_installation(${other_kind} ${consumers}/add_subdirectory-${first}/ebb "built ${other_kind}")

foreach(compiler ${compilers})
  foreach(kind static shared)
    ebb_add_consumer("find_package ${kind}" ${compiler} -DCMAKE_PREFIX_PATH=${consumers}/${kind} -Dfmt_DIR=${fmt_DIR}
      -DEBB_EACH_HEADER=$<STREQUAL:${kind},static>)
    set_tests_properties("consumer: find_package ${kind}, ${compiler}" PROPERTIES FIXTURES_REQUIRED ${kind})
  endforeach()
  if(EBB_PKG_CONFIG)
    add_test(NAME "consumer: pkg-config, ${compiler}"
      COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/pkg_config.sh ${EBB_PKG_CONFIG} ${EBB_CONSUMER_${compiler}}
        ${PROJECT_SOURCE_DIR} ${consumers} ${ebb_programs})
    set_tests_properties("consumer: pkg-config, ${compiler}" PROPERTIES FIXTURES_REQUIRED "static;shared")
  endif()
endforeach()
