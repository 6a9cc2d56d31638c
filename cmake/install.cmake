# What `cmake --install` puts where: the libraries, their public headers, and what find_package and pkg-config read.
# All of it finds itself from where it lies, so that a prefix may be chosen at installation, or moved.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# autograd/ and nn/ are names that others use too: they get a folder of their own.
set(ebb_include_dir ${CMAKE_INSTALL_INCLUDEDIR}/ebb)
set(ebb_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ebb)
# An older version's headers may have other names.
install(CODE "file(REMOVE_RECURSE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${ebb_include_dir}\")")
foreach(header ${ebb_public_headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${ebb_include_dir}/${folder})
endforeach()

set_target_properties(ebb_autograd PROPERTIES EXPORT_NAME autograd)
set_target_properties(ebb_nn PROPERTIES EXPORT_NAME nn INSTALL_RPATH $ORIGIN)  # where ebb_autograd is
install(TARGETS ebb_autograd ebb_nn EXPORT ebbTargets INCLUDES DESTINATION ${ebb_include_dir})
install(EXPORT ebbTargets NAMESPACE ebb:: DESTINATION ${ebb_package_dir})

configure_package_config_file(cmake/ebbConfig.cmake.in ebbConfig.cmake INSTALL_DESTINATION ${ebb_package_dir})
write_basic_package_version_file(ebbConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ebbConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/ebbConfigVersion.cmake
  DESTINATION ${ebb_package_dir})

cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
  OUTPUT_VARIABLE ebb_prefix_from_pc)
configure_file(cmake/ebb.pc.in ebb.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ebb.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
