sluice_test_binary(postgres_integration_test
  SRCS migrate_test.cpp postgres_pool_test.cpp
  DEPS sluice_test_support sluice::postgres sluice::testing sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 120)
