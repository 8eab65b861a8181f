// Listens at PORT. Only what Node brings, so that the first run waits for nobody; put a framework in when you need one.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const answers = new Map([
  ["/", "Hello from {{ name }}.\n"],
  ["/healthz", "ok\n"],
]);

export const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://here");
  const body = answers.get(pathname);
  response.writeHead(body ? 200 : 404, { "content-type": "text/plain; charset=utf-8" });
  response.end(body ?? "There is nothing here.\n");
});

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
    console.log(`listening at port ${server.address().port}`);
  });
  process.on("SIGTERM", () => server.close());
}
