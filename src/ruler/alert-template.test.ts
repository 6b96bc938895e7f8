import assert from "node:assert/strict";
import { test } from "node:test";
import { expandAlertText, type TemplateInput } from "./alert-template.ts";
import { sample } from "./ruler-test-kit.ts";

function input(asked: string[]): TemplateInput {
  return {
    labels: [
      ["app", "a"],
      ["instance", "host.example:9100"],
    ],
    value: 1234.5678,
    externalLabels: { cluster: "c1" },
    externalUrl: "http://skald.example/logs/",
    answers: {
      query: async (text) => {
        asked.push(text);
        if (text === "none") return [];
        return [sample({ app: "b", __value__: "two" }, 2), sample({ app: "a" }, 1)];
      },
      lines: async (count) => `${count} lines`,
    },
  };
}

const cases: readonly (readonly [text: string, want: string])[] = [
  ["plain {text}", "plain {text}"],
  ["{{ $labels.app }} {{ .Labels.app }} {{ $labels.nosuch }}|", "a a |"],
  ["{{ $value }} {{ .Value }}", "1234.5678 1234.5678"],
  [
    "{{ $externalLabels.cluster }} {{ $externalURL }} {{ pathPrefix }}",
    "c1 http://skald.example/logs/ /logs",
  ],
  ["{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}", "app=a;instance=host.example:9100;"],
  ['{{ with $x := "y" }}{{ $x }}{{ end }}', "y"],
  ['{{ if eq $labels.app "a" }}yes{{ else }}no{{ end }}', "yes"],
  ['{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" "x" }}', "<x>"],
  ['{{ printf "%.1f" $value }}', "1234.6"],
  ["{{ humanize $value }} {{ humanize 0.0000015 }} {{ humanize 12.0 }}", "1.235k 1.5u 12"],
  ['{{ humanize "1048576" }} {{ humanize1024 1048576.0 }}', "1.049M 1Mi"],
  ["{{ humanizePercentage 0.1234567 }}", "12.35%"],
  [
    "{{ humanizeDuration 0 }} {{ humanizeDuration 61 }} {{ humanizeDuration 90061 }}",
    "0s 1m 1s 1d 1h 1m 1s",
  ],
  [
    "{{ humanizeDuration 0.012 }} {{ humanizeDuration -61 }} {{ humanizeDuration 1.5 }}",
    "12ms -1m 1s 1.5s",
  ],
  ["{{ humanizeTimestamp 1768003200.5 }}", "2026-01-10 00:00:00.5 +0000 UTC"],
  ["{{ (toTime 1768003200).Year }} {{ toDuration 90 }}", "2026 1m30s"],
  ['{{ parseDuration "1h" }}', "3600"],
  ['{{ toUpper "abc" }} {{ toLower "ABC" }} {{ title "two words" }}', "ABC abc Two Words"],
  ["{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }}", "host.example host:9100"],
  ['{{ match "^h.*t" "host" }} {{ reReplaceAll "(o)(s)" "$2$1" "host" }}', "true hsot"],
  ['{{ query "q" | first | value }} {{ query "q" | first | label "app" }}', "2 b"],
  ['{{ range query "q" }}{{ .Labels.app }}{{ .Value }} {{ end }}', "b2 a1 "],
  ['{{ range query "q" | sortByLabel "app" }}{{ .Labels.app }}{{ end }}', "ab"],
  ['{{ query "q" | first | strvalue }} {{ len (query "none") }}', "two 0"],
  ['{{ if query "none" }}some{{ else }}none{{ end }}', "none"],
  ["{{ lines 3 }} {{ lines 3 }}", "3 lines 3 lines"],
  ['{{ graphLink "up" }}', "http://skald.example/logs/#/explore?q=up"],
  ['{{ (args 1 "b").arg1 }} {{ urlQueryEscape "a b" }} {{ safeHtml "<b>" }}', "b a+b <b>"],
];

for (const [text, want] of cases) {
  test(`${text} → ${want}`, async () => {
    assert.equal(await expandAlertText(text, "A", input([])), want);
  });
}

const failing: readonly (readonly [text: string, message: RegExp])[] = [
  ["{{ query", /^template: __alert_A:1: unclosed action$/],
  [
    '{{ query "none" | first }}',
    /error calling first: first\(\) called on vector with no elements/,
  ],
  ['{{ humanize "x" }}', /error calling humanize/],
  ["{{ range $i := 30 }}{{ query (print $i) }}{{ end }}", /asks more than 20 questions/],
  ['{{ match "(" "x" }}', /error calling match/],
];

for (const [text, message] of failing) {
  test(`${text} fails`, async () => {
    await assert.rejects(expandAlertText(text, "A", input([])), (error: Error) => {
      return message.test(error.message);
    });
  });
}

test("each question is asked once", async () => {
  const asked: string[] = [];
  await expandAlertText('{{ query "a" }}{{ query "b" }}{{ query "a" }}', "A", input(asked));
  assert.deepEqual(asked, ["a", "b"]);
});
