sluice_test_binary(bus_integration_test
  SRCS bus_access_test.cpp bus_contract_test.cpp bus_reconnect_test.cpp
  DEPS sluice_test_support sluice::bus sluice::bus_testing sluice_nats_access sluice::testing sluice::observability_testing
       sluice_pch
  LABEL integration TIMEOUT 180)
