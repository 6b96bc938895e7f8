import assert from "node:assert/strict";
import test from "node:test";
import { compileTemplate, TemplateError, type TemplateScope } from "#gotemplate";

const scope: TemplateScope = {
  label: (name) => (name === "n" ? "7" : undefined),
  labels: () => [["n", "7"]],
  line: () => "GET /x 200",
  timestampNs: () => 1_768_003_200_285_670_026n,
  nowNs: () => 1_768_010_400_000_000_000n,
};

/** Each row: what stands between the braces, and what comes out (`!…`: the end of the error). */
function rows(name: string, cases: readonly (readonly [string, string])[]): void {
  test(name, () => {
    for (const [action, want] of cases) assert.equal(result(action, want), want, action);
  });
}

function result(action: string, want: string): string {
  try {
    return compileTemplate(`{{${action}}}`, { name: "line" }).execute(scope);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return `!${error.message.slice(1 - want.length || undefined)}`;
  }
}

rows("text: case, trimming, replacing", [
  ['upper "straße é"', "STRASSE É".replace("SS", "ß")],
  ['ToLower "ÀB"', "àb"],
  ['title "hello wORLD-foo o\'neil é1a"', "Hello WORLD-Foo O'Neil É1a"],
  ['trim "\\u00a0\\t x \\n"', "x"],
  ['trimAll "-" "--a-b--"', "a-b"],
  ['trimPrefix "a" "aab"', "ab"],
  ['trimSuffix "" "ab"', "ab"],
  ['TrimLeft "éèx" "èé"', "x"],
  ['TrimRight "x12" "21"', "x"],
  ['replace "l" "L" "hello"', "heLLo"],
  ['replace "" "-" "aé"', "-a-é-"],
  ['Replace "aaaa" "a" "b" 2', "bbaa"],
  ['Replace "abc" "" "-" 2', "-a-bc"],
  ['Replace "aaaa" "a" "b" -1', "bbbb"],
  ['contains "ell" "hello"', "true"],
  ['hasPrefix "he" "hello"', "true"],
  ['hasSuffix "he" "hello"', "false"],
]);

rows("text: cutting and padding", [
  ['substr 1 3 "hello"', "el"],
  ['substr -1 2 "hello"', "he"],
  ['substr 2 -1 "hello"', "llo"],
  ['substr 0 1 "é"', "\ufffd"],
  ['print (substr 0 1 "é") (substr 1 2 "é")', "é"],
  ['substr 3 1 "hello"', "!slice bounds out of range [3:1]"],
  ['substr -1 9 "hello"', "!slice bounds out of range [:9] with length 5"],
  ['trunc 2 "hello"', "he"],
  ['trunc -2 "hello"', "lo"],
  ['alignLeft 4 "é"', "é   "],
  ['alignRight 4 "é"', "   é"],
  ['alignRight 2 "abc"', "bc"],
  ['indent 2 "a\\nb"', "  a\n  b"],
  ['nindent 1 "a"', "\n a"],
  ['repeat 3 "ab"', "ababab"],
  ['repeat -1 "x"', "!error calling repeat: strings: negative Repeat count"],
]);

rows("regular expressions", [
  ['regexReplaceAll "(a+)(b)" "aabxab" "${2}$1"', "baaxba"],
  ['regexReplaceAllLiteral "a" "aba" "$1"', "$1b$1"],
  ['count "a." "abacad"', "3"],
  ['count "(" "x"', "!error parsing regexp: missing closing ): `(`"],
]);

rows("whole numbers are int64 and wrap", [
  ['add 1 2.9 "3" "x" .n', "13"],
  ["add", "0"],
  ["sub 1 5", "-4"],
  ["mul 9223372036854775807 2", "-2"],
  ["div -7 2", "-3"],
  ["mod -7 2", "-1"],
  ["div 1 0", "!runtime error: integer divide by zero"],
  ["max 1 5 3", "5"],
  ['min "2" 5 3', "2"],
  ['int "0x1f"', "31"],
  ['int "-3.9"', "-3"],
  ['int ".5"', "0"],
  ["int nil", "0"],
  ["int 1e30", "-9223372036854775808"],
  ['printf "%T %T" (int 1) (add 1)', "int int64"],
]);

rows("decimals", [
  ["addf 0.1 0.2", "0.3"],
  ["subf 0.3 0.1", "0.2"],
  ["mulf 1.1 1.1", "1.21"],
  ["divf 1 3", "0.3333333333333333"],
  ["divf 2 3", "0.6666666666666667"],
  ["divf 1 1e20", "0"],
  ["divf 1 0", "!error calling divf: decimal division by 0"],
  ['addf "NaN" 1', "!Cannot create a Decimal from NaN"],
  ['maxf 1 2.5 "x"', "2.5"],
  ['minf 1 2.5 "x"', "0"],
  ["ceil 1.2", "2"],
  ["floor -1.2", "-2"],
  ["round 2.345 2", "2.35"],
  ["round 1234 -2", "1200"],
  ["round 1.21 1 0.05", "1.3"],
  ['float64 "1e3"', "1000"],
]);

rows("times", [
  ["__timestamp__", "2026-01-10 00:00:00.285670026 +0000 UTC"],
  ["__timestamp__.Year", "2026"],
  ["__timestamp__.Month", "January"],
  ["__timestamp__.Weekday", "Saturday"],
  ['printf "%d" __timestamp__.Month', "1"],
  ["(__timestamp__.Add 1500000000).Unix", "1768003201"],
  ["now.Sub __timestamp__", "1h59m59.714329974s"],
  ["(now.Sub __timestamp__).Seconds", "7199.714329974"],
  ['__timestamp__.AddDate 0 1 0 | date "2006-01-02"', "2026-02-10"],
  ["__timestamp__.Truncate 60000000000 | unixEpochNanos", "1768003200000000000"],
  ["__timestamp__.Clock", "!function Clock has 3 return values; should be 1 or 2"],
  ["__timestamp__.Nope", "!can't evaluate field Nope in type time.Time"],
  ['date "Mon Jan _2 15:04:05.000 MST 2006" now', "Sat Jan 10 02:00:00.000 UTC 2026"],
  ['date "02.01.06 3PM" 1768003200', "10.01.26 12AM"],
  ['toDate "2006-01-02" "2021-11-02"', "2021-11-02 00:00:00 +0000 UTC"],
  ['toDate "2006-01-02" "x"', "0001-01-01 00:00:00 +0000 UTC"],
  [
    'toDateInZone "2006-01-02 15:04" "Europe/Berlin" "2021-07-02 10:20"',
    "2021-07-02 10:20:00 +0200 CEST",
  ],
  ['toDateInZone "2006-01-02" "No/Where" "2021-07-02" | unixEpoch', "1625184000"],
  [
    'toDate "2006-01-02T15:04:05Z07:00" "2021-07-02T10:20:30.5+02:00" | unixEpochMillis',
    "1625214030500",
  ],
  ['unixToTime "18000" | date "2006-01-02"', "2019-04-14"],
  ['unixToTime "1679577215" | unixEpoch', "1679577215"],
  ['unixToTime "x"', '!parsing "x": invalid syntax'],
  ["unixEpoch 5", "!can't handle 5 for arg of type time.Time"],
]);

rows("encodings and JSON", [
  ['b64enc "é"', "w6k="],
  ['b64dec "w6k="', "é"],
  ['b64dec "w6k"', "é"],
  ['b64dec "a b"', "illegal base64 data at input byte 1"],
  ['urlencode "a b&é/~"', "a+b%26%C3%A9%2F~"],
  ['urldecode "a+b%26%C3%A9"', "a b&é"],
  ['urldecode "%zz"', '!invalid URL escape "%zz"'],
  ['urldecode "%4"', '!invalid URL escape "%4"'],
  ['fromJson "[1e21,100000000,null]"', "[1e+21 1e+08 <nil>]"],
  ["fromJson \"{'a'}\"", "<no value>"],
  ['(fromJson `{"b":{"c":1}}`).b', "map[c:1]"],
  ['index (fromJson `{"b":[5]}`) "b" 0', "5"],
]);

rows("conversions", [
  ['bytes "5 KiB"', "5120"],
  ['bytes "x"', '!strconv.ParseFloat: parsing "": invalid syntax'],
  ['duration "1h30m"', "5400"],
  ['duration_seconds "250ms"', "0.25"],
  ['duration "5"', '!time: missing unit in duration "5"'],
  ['default "d" ""', "d"],
  ['default "d" 0.0', "d"],
  ['default "d" "x"', "x"],
  ['default "d"', "d"],
]);

rows("comparisons", [
  ['eq .n "7"', "true"],
  ["eq 1 2 1", "true"],
  ["eq (int .n) (add 3 4)", "true"],
  ['eq 1 (len "x") ', "true"],
  ["eq nil nil", "true"],
  ["len nil", "!reflect: call of reflect.Value.Type on zero Value"],
  ['eq "a" nil', "false"],
  ["eq 1", "!missing argument for comparison"],
  ["eq (fromJson `[]`) (fromJson `[]`)", "!non-comparable type []: []interface {}"],
  ["gt .n 5", "!incompatible types for comparison: string and int"],
  ['lt "\u{1f600}" "\uffff"', "false"],
  ["ge 2.0 2.0", "true"],
  ["ne 1 1", "false"],
]);

rows("printing", [
  ['print 1 2 "a" 3', "1 2a3"],
  ['println 1 "a"', "1 a\n"],
  ['printf "%d %5.2f|%-4s|%04d|%+d" 42 3.14159 "ab" 7 5', "42  3.14|ab  |0007|+5"],
  ['printf "%x %X %x %#x" 255 "hi" -1 10', "ff 6869 -1 0xa"],
  ["printf \"%q %q %c %U %#U\" \"a\\n\" 'x' 'é' 'é' 'é'", "\"a\\n\" 'x' é U+00E9 U+00E9 'é'"],
  [
    'printf "%e %g %G %.3g %08.3f %b" 1.5 1e-7 1e21 1234.5 3.14159 5',
    "1.500000e+00 1e-07 1E+21 1.23e+03 0003.142 101",
  ],
  ['printf "%t %v %T %T" true nil 1.5 nil', "true <nil> float64 <nil>"],
  ['printf "%d %s %t" "x" 5 1', "%!d(string=x) %!s(int=5) %!t(int=1)"],
  ['printf "%s" nil', "%!s(<nil>)"],
  ['printf "%d"', "%!d(MISSING)"],
  ['printf "x" 1 "a"', "x%!(EXTRA int=1, string=a)"],
  ['printf "%"', "%!(NOVERB)"],
  ['printf "%[2]d %[1]d" 1 2', "2 1"],
  ['printf "%[5]d" 1', "%!d(BADINDEX)"],
  ['printf "%*d|%-*d|" 4 1 4 1', "   1|1   |"],
  [
    'printf "%v %d %s" (fromJson `[1,"a"]`) (fromJson `["a"]`) (fromJson `{"k":"v"}`)',
    "[1 a] [%!d(string=a)] map[k:v]",
  ],
  ['printf "%#v" (fromJson `["a",1]`)', '[]interface {}{"a", 1}'],
  ['printf "%.2s|%5s|%05d|% d" "héllo" "é" -42 7', "hé|    é|-0042| 7"],
  ['printf "%6.2f%%" 12.3456', " 12.35%"],
  ['printf "%.0f %.1f" 2.5 0.25', "2 0.2"],
  ['printf "%x" 1.5', "0x1.8p+00"],
]);
