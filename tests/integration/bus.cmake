sluice_test_binary(bus_integration_test
  SRCS bus_contract_test.cpp
  DEPS sluice_test_support sluice::bus sluice::bus_testing sluice::testing sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 180)
