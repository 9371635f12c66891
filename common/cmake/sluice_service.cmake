# sluice_service(<name> SRCS … DEPS … [PRIVATE_DEPS …] [TESTING …] [TEST_DEPS …])
#
# Makes the library sluice_service_<name with underscores> of everything but main.cpp, the binary <name>, and its test
# binary <name>_test from every *_test.cpp below the folder.
function(sluice_service name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;PRIVATE_DEPS;TESTING;TEST_DEPS" ${ARGN})
  string(REPLACE "-" "_" id ${name})
  set(library sluice_service_${id})
  add_library(${library} STATIC ${ARG_SRCS})
  sluice_warnings(${library})
  target_include_directories(${library} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${library} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  target_precompile_headers(${library} REUSE_FROM sluice_pch)

  add_executable(${name} main.cpp)
  sluice_warnings(${name})
  target_link_libraries(${name} PRIVATE ${library} sluice_allocator)
  target_precompile_headers(${name} REUSE_FROM sluice_pch)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

  set(test_libraries ${library})
  if(ARG_TESTING)
    add_library(${library}_testing STATIC ${ARG_TESTING})
    sluice_warnings(${library}_testing)
    target_link_libraries(${library}_testing PUBLIC ${library} ${ARG_TEST_DEPS} GTest::gtest GTest::gmock)
    sluice_test_flags(${library}_testing)
    list(APPEND test_libraries ${library}_testing)
  endif()
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp")
  list(FILTER tests EXCLUDE REGEX "/runner/")  # codemode-sandbox/runner is a binary of its own, with its own tests
  if(tests)
    sluice_test_binary(${name}_test SRCS ${tests} DEPS ${test_libraries} ${ARG_TEST_DEPS} ${ARG_PRIVATE_DEPS} LABEL unit)
  endif()
endfunction()
