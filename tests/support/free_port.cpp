#include "tests/support/free_port.h"

#include "common/base/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::tests {

std::uint16_t free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(place);
  auto* address = reinterpret_cast<sockaddr*>(&place);
  const bool bound = listener >= 0 && bind(listener, address, size) == 0 &&
                     getsockname(listener, address, &size) == 0;
  close(listener);
  SLUICE_CHECK(bound, "the machine has a free port");
  return ntohs(place.sin_port);
}

}  // namespace sluice::tests
