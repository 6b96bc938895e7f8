import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "#model";
import { relabel, relabelRule } from "./relabel.ts";

const before = Labels.from({ app: "shop", env: "prod", empty_not: "x" });

const cases: readonly (readonly [config: Record<string, unknown>, want: string | undefined])[] = [
  [
    { source_labels: ["app", "env"], target_label: "both" },
    "app=shop both=shop;prod empty_not=x env=prod",
  ],
  [
    { source_labels: ["app"], regex: "(sh)(.*)", target_label: "${1}_x", replacement: "$2" },
    "app=shop empty_not=x env=prod sh_x=op",
  ],
  [{ source_labels: ["app"], regex: "sho", target_label: "t" }, "app=shop empty_not=x env=prod"],
  [{ target_label: "app", replacement: "" }, "empty_not=x env=prod"],
  [{ source_labels: ["env"], regex: "prod", action: "keep" }, "app=shop empty_not=x env=prod"],
  [{ source_labels: ["env"], regex: "pro", action: "keep" }, undefined],
  [{ source_labels: ["env"], regex: "prod|dev", action: "Drop" }, undefined],
  [{ source_labels: ["app"], target_label: "env", action: "keepequal" }, undefined],
  [
    { source_labels: ["app"], target_label: "env", action: "dropequal" },
    "app=shop empty_not=x env=prod",
  ],
  [{ regex: "e.*", action: "labeldrop" }, "app=shop"],
  [{ regex: "e.*", action: "labelkeep" }, "empty_not=x env=prod"],
  [
    { regex: "e(nv)", action: "labelmap", replacement: "my_$1" },
    "app=shop empty_not=x env=prod my_nv=prod",
  ],
  [
    { source_labels: ["app"], target_label: "app", action: "uppercase" },
    "app=SHOP empty_not=x env=prod",
  ],
  [
    { source_labels: ["none"], target_label: "h", modulus: 8, action: "hashmod" },
    "app=shop empty_not=x env=prod h=6",
  ],
];

for (const [config, want] of cases) {
  test(`${JSON.stringify(config)} gives ${want ?? "nothing"}`, () => {
    const after = relabel(before, [relabelRule(config)]);
    assert.equal(after?.pairs.map(([name, value]) => `${name}=${value}`).join(" "), want);
  });
}

test("rules apply one after the other; none leaves the labels alone", () => {
  const rules = [
    relabelRule({ target_label: "app", replacement: "x" }),
    relabelRule({ source_labels: ["app"], regex: "x", action: "drop" }),
  ];
  assert.equal(relabel(before, rules), undefined);
  assert.equal(relabel(before, []), before);
  assert.throws(() => relabelRule({ action: "nosuch" }), /unknown relabel action/);
});
