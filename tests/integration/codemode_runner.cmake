if(TARGET codemode-runner)  # not built with sanitizers
  sluice_test_binary(codemode_runner_integration_test
    SRCS codemode_runner_test.cpp runner_rig.cpp runner_service.cpp
    DEPS sluice_test_support sluice::runner_messages PkgConfig::zmq sluice_pch
    LABEL integration TIMEOUT 300)
  add_dependencies(codemode_runner_integration_test codemode-runner)
  sluice_test_binary(codemode_attacks_integration_test
    SRCS codemode_attacks_test.cpp attack_cases.cpp runner_rig.cpp runner_service.cpp
    DEPS sluice_test_support sluice::crypto sluice::runner_messages PkgConfig::zmq sluice_pch
    LABEL integration TIMEOUT 300)
  add_dependencies(codemode_attacks_integration_test codemode-runner)
endif()
