import assert from "node:assert/strict";
import { test } from "node:test";
import { day, hour, RequestError, second } from "#base";
import { defaultLimits, type Limits } from "#config";
import { MemoryObjectStore } from "#objectstore";
import { ManualClock, seededRandom } from "#world";
import { DeleteApi } from "./delete-api.ts";
import { DeleteBook, pendingRequestsMax } from "./delete-book.ts";
import { encodeDeleteRequest, newDeleteRequest } from "./delete-request.ts";

const nowMs = Date.UTC(2026, 0, 10);

class Kit {
  readonly clock = new ManualClock({ nowMs });
  readonly objects = new MemoryObjectStore({ nowMs: () => this.clock.nowMs() });
  readonly unreadable: string[] = [];
  mode: Limits["deletionMode"] = "filter-and-delete";
  book: DeleteBook = this.openBook();
  api: DeleteApi = this.openApi();

  openBook(): DeleteBook {
    return new DeleteBook({
      objects: this.objects,
      clock: this.clock,
      random: seededRandom(1),
      unreadable: (key) => void this.unreadable.push(key),
    });
  }

  openApi(): DeleteApi {
    return new DeleteApi({
      book: this.book,
      limits: { for: () => ({ ...defaultLimits, deletionMode: this.mode }) },
      clock: this.clock,
      cancelPeriodMs: 24 * hour,
      maxIntervalMs: 24 * hour,
    });
  }

  restart(): void {
    this.book = this.openBook();
    this.api = this.openApi();
  }
}

const good = { query: '{app="a"}', start: "1768000000", end: "1768000100", maxInterval: "" };
const filtered = { ...good, query: '{app="a"} |= "x"' };
const future = String(nowMs / 1000 + 100);

const refused: readonly (readonly [Partial<typeof good>, string])[] = [
  [{ query: "" }, "query not set"],
  [{ query: "{" }, "invalid query expression"],
  [{ query: 'rate({app="a"}[1m])' }, "invalid query expression"],
  [{ start: "" }, "start time not set"],
  [{ start: "0" }, "invalid start time: require unix seconds or RFC3339 format"],
  [{ start: "1768000000.5" }, "invalid start time: require unix seconds or RFC3339 format"],
  [{ end: "1768000100000" }, "invalid end time: require unix seconds or RFC3339 format"],
  [{ end: future }, "deletes in the future are not allowed"],
  [{ end: good.start }, "start time can't be greater than or equal to end time"],
  [{ ...filtered, maxInterval: "x" }, "invalid max_interval: valid time units are 's', 'm', 'h'"],
  [{ ...filtered, maxInterval: "25h" }, "max_interval can't be greater than 24h0m0s"],
  [
    { ...filtered, maxInterval: "1h" },
    "max_interval can't be greater than the interval to be deleted (1m40s)",
  ],
];
for (const [changed, text] of refused) {
  test(`refused: ${text} ${JSON.stringify(changed)}`, async () => {
    const created = new Kit().api.create("t", { ...good, ...changed });
    await assert.rejects(created, (error) => {
      assert.ok(error instanceof RequestError);
      return error.status === 400 && error.message === text;
    });
  });
}

const taken: readonly Partial<typeof good>[] = [
  { query: "{}" },
  { query: '{app=~".*"}' },
  { query: '{app="a"} | json | x="y"' },
  { start: "2026-01-09T00:00:00.5Z", end: "" },
  { maxInterval: "x" },
  { ...filtered, maxInterval: "30s" },
];
for (const changed of taken) {
  test(`taken: ${JSON.stringify(changed)}`, async () => {
    const kit = new Kit();
    const { id } = await kit.api.create("t", { ...good, ...changed });
    assert.match(id, /^[0-9a-f]{8}$/);
    kit.restart();
    const [again] = await kit.api.list("t", { start: "", end: "" });
    assert.equal(again?.id, id);
    assert.equal(kit.book.masksNow("t").length, 1);
    assert.equal(kit.book.masksNow("other").length, 0);
  });
}

test("a request can be cancelled in its period, by its tenant, and hides nothing then", async () => {
  const kit = new Kit();
  const { id } = await kit.api.create("t", good);
  const changes = kit.book.changeNumber("t");
  const missing = /could not find delete request with given id/;
  await assert.rejects(kit.api.cancel("other", id, false), missing);
  await assert.rejects(kit.api.cancel("t", "", false), missing);
  await kit.api.cancel("t", id, false);
  assert.deepEqual(kit.book.masksNow("t"), []);
  assert.ok(kit.book.changeNumber("t") > changes);
  await assert.rejects(kit.api.cancel("t", id, false), missing);
  kit.restart();
  assert.deepEqual(await kit.api.list("t", { start: "", end: "" }), []);
});

test("past its period, when begun, and when erased a request is not simply cancelled", async () => {
  const kit = new Kit();
  const { id } = await kit.api.create("t", good);
  kit.clock.advance(day + second);
  await assert.rejects(kit.api.cancel("t", id, false), /past the deadline of 24h0m0s/);
  const begun = await kit.api.create("t", good);
  await kit.book.update(begun, (known) => ({ ...known, begunMs: kit.clock.nowMs() }));
  await assert.rejects(kit.api.cancel("t", begun.id, false), /partially completed/);
  await kit.api.cancel("t", begun.id, true);
  await kit.book.update({ tenant: "t", id }, (known) => ({ ...known, state: "erased" }));
  assert.equal(kit.book.masksNow("t").length, 1, "it hides until it is gone");
  await assert.rejects(kit.api.cancel("t", id, true), /in process or already processed/);
  await kit.book.update({ tenant: "t", id }, (known) => ({ ...known, state: "gone" }));
  assert.equal(kit.book.masksNow("t").length, 0);
});

test("lists are of the times asked for", async () => {
  const kit = new Kit();
  await kit.api.create("t", good);
  const count = async (start: string, end: string): Promise<number> =>
    (await kit.api.list("t", { start, end })).length;
  assert.equal(await count("", ""), 1);
  assert.equal(await count("1768000100", ""), 1);
  assert.equal(await count("1768000101", ""), 0);
  assert.equal(await count("1767000000", "1768000000"), 1);
  assert.equal(await count("1767000000", "1767999999"), 0);
});

test("where deletion is disabled nothing is answered, and nothing is hidden", async () => {
  const kit = new Kit();
  kit.mode = "disabled";
  const text = /deletion is not available for this tenant/;
  const is403 = (error: unknown): boolean =>
    error instanceof RequestError && error.status === 403 && text.test(error.message);
  await assert.rejects(kit.api.create("t", good), is403);
  await assert.rejects(kit.api.list("t", good), is403);
  await assert.rejects(kit.api.cancel("t", "x", false), is403);
});

test("so many requests wait at most", async () => {
  const kit = new Kit();
  for (let i = 0; i < pendingRequestsMax; i++) await kit.api.create("t", good);
  await assert.rejects(kit.api.create("t", good), /delete requests wait/);
  await kit.api.create("other", good);
});

test("an object that is no request is told of, and the others are read", async () => {
  const kit = new Kit();
  await kit.api.create("t", good);
  await kit.objects.put("deletes/t/broken.json", Buffer.from("{"));
  const draft = { ...good, id: "00000001", tenant: "t", startMs: 1, endMs: 2, createdMs: 3 };
  const elsewhere = encodeDeleteRequest(newDeleteRequest(draft));
  await kit.objects.put("deletes/other/00000001.json", elsewhere);
  kit.restart();
  assert.equal((await kit.api.list("t", { start: "", end: "" })).length, 1);
  assert.deepEqual(await kit.api.list("other", { start: "", end: "" }), []);
  assert.deepEqual(kit.unreadable.sort(), ["deletes/other/00000001.json", "deletes/t/broken.json"]);
});

test("the generation of caches changes with what is hidden", async () => {
  const kit = new Kit();
  assert.equal(await kit.api.cacheGeneration("t"), "");
  await kit.api.create("t", good);
  const first = await kit.api.cacheGeneration("t");
  kit.clock.advance(second);
  await kit.api.create("t", good);
  assert.notEqual(await kit.api.cacheGeneration("t"), first);
});
