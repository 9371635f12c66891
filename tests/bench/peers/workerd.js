// One fresh isolate for each request, as a code mode on Workers loads it.
let last = 0;
export default {
  async fetch(request, env) {
    const name = "run-" + (++last);
    const worker = env.LOADER.get(name, () => ({
      compatibilityDate: "2025-06-01",
      mainModule: "script.js",
      modules: { "script.js": "export default { async fetch() { const answer = 42; return new Response(String(answer)) } } // " + name },
      globalOutbound: null,
    }));
    return worker.getEntrypoint().fetch(new Request("http://script/"));
  },
};
