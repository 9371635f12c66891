sluice_test_binary(audit_store_integration_test
  SRCS audit_store_test.cpp
  DEPS sluice_test_support sluice_service_audit_writer_testing sluice::postgres sluice::testing
       sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 120)
sluice_test_binary(audit_writer_integration_test
  SRCS audit_writer_test.cpp
  DEPS sluice_test_support sluice_service_audit_writer_testing sluice::postgres sluice::bus sluice::audit sluice::testing
       sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 240)
add_dependencies(audit_writer_integration_test audit-writer)
