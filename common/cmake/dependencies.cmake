# Every third-party package, found once. Targets are linked only by the folder that owns the package.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)
find_package(Boost 1.81 REQUIRED)

pkg_check_modules(nats REQUIRED IMPORTED_TARGET libnats)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(pqxx REQUIRED IMPORTED_TARGET libpqxx)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)

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
