import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { server } from "./server.js";

let at;
before(() => new Promise((done) => {
  server.listen(0, "127.0.0.1", () => {
    at = `http://127.0.0.1:${server.address().port}`;
    done();
  });
}));
after(() => server.close());

test("it says that it is well", async () => {
  const answer = await fetch(`${at}/healthz`);
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "ok\n");
});

test("what is not there is not found", async () => {
  assert.equal((await fetch(`${at}/nothing`)).status, 404);
});
