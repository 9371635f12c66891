sluice_test_binary(redis_integration_test
  SRCS redis_contract_test.cpp redis_faults_test.cpp
  DEPS sluice_test_support sluice::redis sluice::redis_testing sluice::testing sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 120)
