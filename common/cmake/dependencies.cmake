# Every third-party package, found once. Targets are linked only by the folder that owns the package.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)  # Boost's own package files; older versions of CMake use them by themselves
endif()
find_package(Boost 1.81 REQUIRED)

pkg_check_modules(nats REQUIRED IMPORTED_TARGET libnats)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(pqxx REQUIRED IMPORTED_TARGET libpqxx)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
set_target_properties(PkgConfig::re2 PROPERTIES INTERFACE_COMPILE_OPTIONS "")  # -pthread does not go with the precompiled header
pkg_check_modules(zmq REQUIRED IMPORTED_TARGET libzmq)
find_path(CPPZMQ_INCLUDE zmq.hpp REQUIRED)

find_package(prometheus-cpp REQUIRED CONFIG)
find_package(CLI11 REQUIRED CONFIG)

# jsoncons: header-only; the system's package, or the one ./dev setup unpacked on Debian 12.
find_path(JSONCONS_INCLUDE jsoncons/json.hpp
  PATHS /usr/include "${CMAKE_SOURCE_DIR}/build/deps/usr/include" "$ENV{SLUICE_DEPS}/usr/include" NO_CMAKE_SYSTEM_PATH REQUIRED)
add_library(jsoncons INTERFACE)
target_include_directories(jsoncons SYSTEM INTERFACE "${JSONCONS_INCLUDE}")

# llhttp: a library on Debian 13; C sources inside node-llhttp on Debian 12.
find_library(LLHTTP_LIBRARY llhttp)
if(LLHTTP_LIBRARY)
  find_path(LLHTTP_INCLUDE llhttp.h REQUIRED)
  add_library(llhttp INTERFACE)
  target_link_libraries(llhttp INTERFACE ${LLHTTP_LIBRARY})
  target_include_directories(llhttp SYSTEM INTERFACE "${LLHTTP_INCLUDE}")
else()
  find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp REQUIRED)
  add_library(llhttp STATIC /usr/share/llhttp/api.c /usr/share/llhttp/http.c /usr/share/llhttp/llhttp.c)
  target_include_directories(llhttp SYSTEM PUBLIC "${LLHTTP_INCLUDE}")
  target_compile_definitions(llhttp PRIVATE LLHTTP_STRICT_MODE=1)  # 9 and later are strict without it
endif()

# V8 in Debian's libnode: the one ./dev setup unpacked on Debian 12, the system's on 13. There is no pkg-config file.
# Whoever derives from a V8 class needs -fno-rtti.
set(V8_ROOTS "${CMAKE_SOURCE_DIR}/build/deps/usr" "$ENV{SLUICE_DEPS}/usr" /usr)
list(TRANSFORM V8_ROOTS APPEND /include/node OUTPUT_VARIABLE V8_INCLUDE_PATHS)
list(TRANSFORM V8_ROOTS APPEND /lib/${CMAKE_LIBRARY_ARCHITECTURE} OUTPUT_VARIABLE V8_LIBRARY_PATHS)
find_path(V8_INCLUDE v8.h PATHS ${V8_INCLUDE_PATHS} NO_DEFAULT_PATH REQUIRED)
find_library(V8_LIBRARY node PATHS ${V8_LIBRARY_PATHS} NO_DEFAULT_PATH REQUIRED)
add_library(V8::V8 UNKNOWN IMPORTED)
set_target_properties(V8::V8 PROPERTIES IMPORTED_LOCATION "${V8_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${V8_INCLUDE}")

# The allocator of the services: a tenth more requests per second than the C library's (./dev bench hot-path). Sanitizers
# bring their own.
add_library(sluice_allocator INTERFACE)
if(SLUICE_SANITIZE STREQUAL "off")
  find_library(MIMALLOC_LIBRARY mimalloc REQUIRED)
  target_link_libraries(sluice_allocator INTERFACE
    -Wl,--push-state,--no-as-needed ${MIMALLOC_LIBRARY} -Wl,--pop-state)
endif()
