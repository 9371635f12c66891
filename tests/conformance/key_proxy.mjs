// The conformance suite sends no Authorization header: this reverse proxy adds SLUICE_KEY to every request and leaves everything
// else alone, Host and Origin, streams and disconnects. Usage: key_proxy.mjs TARGET_URL. Prints the port it listens on.
import http from 'node:http';

const target = new URL(process.argv[2]);

const server = http.createServer((request, response) => {
  const headers = { ...request.headers, authorization: `Bearer ${process.env.SLUICE_KEY}` };
  const forwarded = http.request({ host: target.hostname, port: target.port, path: request.url, method: request.method, headers },
    (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
  forwarded.on('error', () => response.destroy());
  response.on('close', () => forwarded.destroy());
  request.pipe(forwarded);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
