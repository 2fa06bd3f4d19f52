# Every warning of both compilers that speaks of bugs; all are errors.
add_library(k2_warnings INTERFACE)
target_compile_options(k2_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wformat=2 -Wcast-qual -Wundef -Wvla -Werror)
target_compile_definitions(k2_warnings INTERFACE _GNU_SOURCE)

option(K2_TESTS "build the tests" ON)
option(K2_BENCH "build the benchmarks" OFF)
set(K2_SANITIZE "" CACHE STRING "sanitizers, as in -fsanitize=")
if(K2_SANITIZE)
  add_compile_options(-fsanitize=${K2_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${K2_SANITIZE})
endif()
