#include "tests/integration/bus_nats_rig.h"

#include "common/bus/bus_contract_calls.h"
#include "common/bus/bus_contract_durable.h"
#include "common/bus/bus_contract_streams.h"
#include "common/bus/bus_contract_transport.h"

namespace sluice::bus {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Nats, TransportContract, tests::NatsRig);
INSTANTIATE_TYPED_TEST_SUITE_P(Nats, CallContract, tests::NatsRig);
INSTANTIATE_TYPED_TEST_SUITE_P(Nats, StreamContract, tests::NatsRig);
INSTANTIATE_TYPED_TEST_SUITE_P(Nats, DurableContract, tests::NatsRig);

}  // namespace
}  // namespace sluice::bus
