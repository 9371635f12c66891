#include "common/bus/bus_contract.h"

#include "tests/integration/bus_nats_rig.h"

namespace sluice::bus {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Nats, BusContract, tests::NatsRig);

}  // namespace
}  // namespace sluice::bus
