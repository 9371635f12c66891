sluice_test_binary(policy_integration_test
  SRCS policy_approvals_test.cpp policy_pins_test.cpp policy_store_test.cpp policy_versions_test.cpp policy_webhooks_test.cpp
  DEPS sluice_test_support sluice_service_policy_engine_testing sluice::postgres sluice::testing sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 120)
sluice_test_binary(policy_limits_test
  SRCS policy_limits_test.cpp
  DEPS sluice_service_policy_engine sluice_test_support sluice::redis sluice::testing sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 120)
