sluice_test_binary(connector_integration_test
  SRCS connector_stdio_test.cpp connector_redis_test.cpp connector_failover_test.cpp connector_servers_test.cpp
       connector_http_test.cpp connector_era_test.cpp connector_asking_test.cpp connector_health_test.cpp connector_manners_test.cpp
  DEPS sluice_service_mcp_connector sluice_service_mcp_connector_testing sluice_test_support sluice::redis sluice::testing
       sluice::observability_testing sluice::audit_testing sluice_pch
  LABEL integration TIMEOUT 480)
sluice_test_binary(connector_tokens_test
  SRCS connector_tokens_test.cpp
  DEPS sluice_service_mcp_connector sluice_test_support sluice::postgres sluice::testing sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 120)
sluice_test_binary(connector_store_test
  SRCS connector_store_test.cpp
  DEPS sluice_service_mcp_connector sluice_test_support sluice::postgres sluice::testing sluice::observability_testing sluice_pch
  LABEL integration TIMEOUT 120)
