sluice_test_binary(codemode_integration_test
  SRCS codemode_service_test.cpp
  DEPS sluice_test_support sluice::audit sluice::bus sluice::http sluice::json sluice::crypto sluice::grant sluice::testing
    sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 120)
add_dependencies(codemode_integration_test codemode-sandbox)

sluice_test_binary(codemode_link_integration_test
  SRCS codemode_link_test.cpp
  DEPS sluice_service_codemode_sandbox sluice_test_support sluice::testing sluice::observability_testing PkgConfig::zmq sluice_pch
  LABEL integration TIMEOUT 120)

sluice_test_binary(codemode_runs_integration_test
  SRCS codemode_runs_test.cpp
  DEPS sluice_service_codemode_sandbox sluice_test_support sluice::redis sluice::testing sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 120)
