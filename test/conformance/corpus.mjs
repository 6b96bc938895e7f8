// Prints the corpus of the conformance cases, the same bytes on every run: node corpus.mjs > corpus.ndjson
// One JSON object a line: {"tenant","labels":{},"entries":[["nanoseconds","line",{"metadata":"…"}?],…]}. A table of data
// rather than code, so it is left out of formatting.
const T0 = 1768003200n * 1000000000n; // 2026-01-10T00:00:00Z
const SEC = 1000000000n;
const SPAN = 7200n * SEC;

// --- seeded pseudo random numbers -----------------------------------------------------------
function rng(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
let R = rng(1);
const int = (lo, hi) => lo + Math.floor(R() * (hi - lo + 1));
const pick = (list) => list[Math.floor(R() * list.length)];
const chance = (p) => R() < p;
const hex = (n) => { let s = ''; while (s.length < n) s += int(0, 15).toString(16); return s; };
const round = (x, d) => Number(x.toFixed(d));

const out = [];
function stream(tenant, labels, entries) { out.push({ tenant, labels, entries }); }

// n timestamps spread evenly over the two hours, with a jitter that keeps them sorted and, for the
// given lane, different from every other lane.
function spread(n, lane) {
  const gap = SPAN / BigInt(n);
  const list = [];
  for (let i = 0; i < n; i++) {
    const jitter = BigInt(Math.floor(R() * Number(gap / 1000n) * 0.9)) * 1000n;
    list.push(T0 + gap * BigInt(i) + jitter + BigInt(lane));
  }
  return list;
}
const iso = (ns) => new Date(Number(ns / 1000000n)).toISOString();
const S = (ns) => ns.toString();
let lane = 0;

// --- JSON request logs ------------------------------------------------------------------------
const METHODS = ['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE'];
const PATHS = ['/api/v1/orders', '/api/v1/orders/{id}', '/api/v1/users/{id}', '/api/v1/search?q=caf%C3%A9&page={id}', '/healthz', '/metrics', '/api/v2/carts/{id}/items'];
const USERS = ['alice', 'bob', 'zoë', 'Łukasz', '李雷', "o'neil", 'eve "the hacker"', 'back\\slash'];
const AGENTS = ['curl/8.5.0', 'Mozilla/5.0 (X11; Linux x86_64)', 'kube-probe/1.29', 'Go-http-client/2.0'];
function apiLine(ts, i) {
  const status = pick([200, 200, 200, 200, 201, 204, 301, 400, 404, 404, 500, 503]);
  const ms = round(R() < 0.05 ? R() * 9000 : R() * 400, 3);
  const o = {
    ts: iso(ts),
    level: status >= 500 ? 'error' : status >= 400 ? 'warn' : chance(0.2) ? 'debug' : 'info',
    msg: pick(['request completed', 'request completed', 'cache miss', 'slow query', 'upstream timeout']),
    method: pick(METHODS),
    path: pick(PATHS).replace('{id}', String(int(1, 60))),
    status,
    duration: ms >= 1000 ? `${round(ms / 1000, 4)}s` : `${ms}ms`,
    ms,
    size: pick([`${int(100, 999)}B`, `${round(R() * 90 + 1, 1)}KB`, `${round(R() * 9 + 1, 2)}MiB`]),
    bytes: int(0, 200000),
  };
  if (chance(0.7)) o.user = { id: int(1, 40), name: pick(USERS), roles: ['dev', 'ops'].slice(0, int(0, 2)) };
  if (chance(0.4)) o.req = { headers: { 'User-Agent': pick(AGENTS), 'X-Request-ID': hex(8) }, remote: `10.${int(0, 3)}.${int(0, 255)}.${int(1, 254)}` };
  if (chance(0.3)) o.ok = status < 400;
  if (chance(0.3)) o.error = status >= 500 ? `upstream said: "${pick(['no route', 'timeout\nretry', 'refused'])}"` : null;
  if (chance(0.15)) o.env = pick(['blue', 'green']);           // collides with the stream label env
  if (chance(0.1)) o.job = 'from-line';                         // collides with the stream label job
  if (chance(0.1)) o.retries = [1, { after: '5s' }, [true, null]];
  let line = JSON.stringify(o);
  if (i % 41 === 17) line = line.slice(0, int(10, line.length - 2)); // malformed
  return line;
}
const apis = [
  { job: 'api', env: 'prod', cluster: 'eu-west-1', instance: 'api-0' },
  { job: 'api', env: 'prod', cluster: 'us-east-1', instance: 'api-1' },
  { job: 'api', env: 'staging', cluster: 'eu-west-1', instance: 'api-2' },
  { job: 'api', env: 'dev', instance: 'api-3' },
];
const apiCounts = [1700, 1300, 800, 400];
apis.forEach((labels, k) => {
  R = rng(100 + k); lane++;
  stream('conf', labels, spread(apiCounts[k], lane).map((ts, i) => {
    const line = apiLine(ts, i);
    if (!chance(0.5)) return [S(ts), line];
    const md = { trace_id: hex(16) };
    if (chance(0.3)) md.user_id = String(int(1, 40));
    if (chance(0.05)) md.status = 'md-' + int(1, 3);              // collides with a parsed field
    return [S(ts), line, md];
  }));
});

// --- JSON edge cases ------------------------------------------------------------------------------
R = rng(200); lane++;
const jsonEdge = [
  '{}', '[]', 'null', 'true', '42', '"just a string"', '', ' ', 'not json at all', '{"a":1', '{"a":1}}', '{"a":1} trailing', '{"a" 1}', "{'a':1}", '{a:1}', '{"a":1,}',
  '{"a":"x","a":"y"}', '{"a":{"b":{"c":"deep"}}}', '{"a.b":"dot","a_b":"underscore"}', '{"a":{"b":"nested"},"a_b":"flat"}', '{"a b":"space","a-b":"dash","a:b":"colon"}',
  '{"1abc":"digit first","_x":"underscore first","":"empty key"}', '{"ключ":"кириллица","名前":"値","emoji😀":"🎉"}',
  '{"esc":"tab\\tnewline\\nquote\\"backslash\\\\slash\\/unicode\\u00e9\\ud83d\\ude00"}', '{"e\\u0073c_key":"escaped key","\\"q\\"":"quoted key"}',
  '{"int":42,"neg":-7,"zero":0,"float":1.50,"exp":1e3,"expneg":1.5E-2,"big":12345678901234567890,"long":0.1234567890123456789,"negzero":-0}',
  '{"t":true,"f":false,"n":null,"s":"","o":{},"arr":[]}', '{"arr":[1,2,3],"strs":["a","b"],"objs":[{"k":"v1"},{"k":"v2"}],"nested":[[1,2],[3,4]]}',
  '{"job":"collide","service_name":"collide2","case":"Edge","foo":"bar"}', '{"__error__":"spoof","__error_details__":"spoof2","__line__":"x","_entry":"y"}',
  '  {"lead":"spaces"}  ', '\t{"lead":"tab"}', '{"a":"x"}{"b":"y"}', '{"multi":"line\\nvalue","html":"<b>&amp;</b>"}', '{"lvl":"info","lvl_extracted":"ext","level":"WARN"}',
  '{"a":{"b":1},"a":{"c":2}}', '{"deep":{"l1":{"l2":{"l3":{"l4":{"l5":"bottom"}}}}}}', '{"num_str":"12.5","dur":"1m30s","bytes":"5MiB","ip":"192.168.0.7","neg_dur":"-2s"}',
  '{"ctl":"\\u0000\\u0001\\u001f"}', '{"bad_escape":"\\x41"}', '{"lone":"\\ud800"}', '{"unterminated":"abc', '{"nan":NaN}', '{"a":tru}', '{"a":01}', '{"a":+1}', '{"a":1.}', '{"a":.5}',
  '{"request":{"method":"GET","host":"foo.example","headers":{"Accept":"*/*","User-Agent":"curl/7.68.0"}},"response":{"status":401,"latency_seconds":"6.031"},"servers":["129.0.1.1","10.2.1.3"]}',
  '{"pod":{"name":"p-1","labels":{"app.kubernetes.io/name":"web","tier":"front"}},"params":[{"q":"a"},{"q":"b"}]}',
  '{"A":"upper","a":"lower","Mixed_Case":"x"}', '{"message":"hello {{.world}}","template":"{{ printf \\"%d\\" 1 }}"}', '{"dup":1,"dup":2,"dup":3}', '{"empty_obj":{"":{"":"x"}}}',
  '[{"a":1},{"a":2}]', '{"with space":{"in ner":"v"}}', '{"true":"keyword","and":"or","by":"without"}', '{"x":"\\u200b\\u00a0","y":"\u00a0"}',
  '{"ts":1768003200,"value":3.14}', '{"ts":1768003260,"value":"2.71"}', '{"ts":1768003320,"value":"abc"}', '{"ts":1768003380,"value":null}', '{"ts":1768003440}', '{"ts":1768003500,"value":true}',
];
stream('conf', { job: 'json-edge', case: 'edge' }, jsonEdge.map((line, i) => [S(T0 + BigInt(i) * 60n * SEC + BigInt(lane)), line]));

// --- logfmt worker logs -----------------------------------------------------------------------------
const QUEUES = ['emails', 'billing', 'thumbnails', 'sync'];
function workerLine(ts, i) {
  const failed = chance(0.12);
  const secs = R() < 0.1 ? R() * 120 : R() * 3;
  const dur = secs > 60 ? `${Math.floor(secs / 60)}m${round(secs % 60, 3)}s` : secs < 0.2 ? `${round(secs * 1000, 2)}ms` : `${round(secs, 3)}s`;
  const parts = [
    `ts=${iso(ts)}`, `level=${failed ? 'error' : pick(['info', 'info', 'info', 'debug', 'warn'])}`, `caller=worker.go:${int(10, 240)}`,
    `msg="${failed ? 'job failed' : pick(['job done', 'job done', 'job queued'])}"`, `queue=${pick(QUEUES)}`, `job_id=${int(1000, 1099)}`, `duration=${dur}`, `seconds=${round(secs, 3)}`,
    `size=${pick([`${int(1, 900)}B`, `${int(1, 900)}KB`, `${round(R() * 20, 1)}MB`, `${round(R() * 2, 2)}GiB`])}`, `attempts=${int(1, 5)}`,
  ];
  if (failed) parts.push(`err="${pick(['dial tcp 10.0.0.1:5432: connect: connection refused', 'context deadline exceeded', 'bad \\"payload\\"'])}"`);
  if (chance(0.1)) parts.push(`env=${pick(['canary', 'stable'])}`);  // collides
  if (chance(0.08)) parts.push('dry_run');                            // standalone key
  if (chance(0.08)) parts.push('note=');                              // empty value
  if (i % 53 === 29) parts.push('bad"key=1');                         // malformed pair
  return parts.join(' ');
}
const workers = [
  { job: 'worker', env: 'prod', instance: 'w-1', team: 'core' },
  { job: 'worker', env: 'prod', instance: 'w-2', team: 'core' },
  { job: 'worker', env: 'staging', instance: 'w-3', team: 'growth' },
  { job: 'worker', env: 'dev', instance: 'w-4' },
];
const workerCounts = [1500, 1100, 700, 350];
workers.forEach((labels, k) => {
  R = rng(300 + k); lane++;
  stream('conf', labels, spread(workerCounts[k], lane).map((ts, i) => [S(ts), workerLine(ts, i)]));
});

// --- logfmt edge cases ------------------------------------------------------------------------------
R = rng(400); lane++;
const logfmtEdge = [
  'a=1 b=2 c=3', 'a=1  b=2   c=3', ' a=1 b=2 ', 'a=1\tb=2', 'a="quoted value" b=plain', 'a="esc \\"quote\\" here" b=2', 'a="back\\\\slash" b="new\\nline" c="tab\\t"', 'a="unterminated b=2', 'a="x"y b=2', 'a=x"y b=2',
  '=novalue b=2', 'a= b=2', 'a b=2', 'a b c', 'a="" b=2', 'a=b=c d=4', 'a==b c=3', 'fo"o=bar b=2', 'a=1 a=2 a=3', 'a=1 A=2', 'a-b=dash a.b=dot a/b=slash a_b=under', '1a=digit _b=under', 'ключ=значение b=2', 'a=значение b="日本 語"',
  'a=1,b=2', 'a:1 b:2', 'a=[1 2 3] b={x}', 'a="{\\"k\\":\\"v\\"}" b=2', 'job=collide case=collide2 other=ok', 'service_name=collide3 other=ok', '__error__=spoof b=2', 'level=INFO lvl=warn', '', '   ', 'plain text line without pairs', 'a=\'single quoted\' b=2',
  'a="\\u00e9\\u4e2d" b=2', 'a="\\x41" b=2', 'a="bad \\q escape" b=2', 'a=1 b="unterminated \\" still', 'key="v1" key="v2"', 'x=0x1F y=1e3 z=1_000', 'dur=1h2m3.5s size=1.5GiB ip=2001:db8::1', 'err="multi word" status=500 ok=false', 'a=\u00a0nbsp b=2', 'a=1\u2003b=2', 'a=\u0001ctl b=2', 'a=%20 b=100%', 'emoji=🎉 b=2', 'a="🎉 party" b=2',
  'at=info method=GET path=/ host=grafana.example fwd="124.133.124.161" service=8ms status=200', 'a=1 =2 b=3', 'a=1 = b=3', 'a"b=1 c=2', '"a"=1 c=2', 'a=1; b=2;', 'empty= standalone quoted="" last=', 'a=1\nb=2', 'a=1\r', 'a="line1\nline2" b=2', 'a=1 b', 'b a=1', 'k1=v1 k1_extracted=v2 case=v3',
  'msg="a=1 b=2" c=3', 'a=(x) b=<y>', 'a=\\ b=2', 'a=\\" b=2', 'n=5 n2=-5 n3=5.5 n4=abc n5=', 'time=2026-01-10T00:00:00Z caller=main.go:1 m="x y z"',
];
stream('conf', { job: 'logfmt-edge', case: 'edge' }, logfmtEdge.map((line, i) => [S(T0 + BigInt(i) * 60n * SEC + BigInt(lane)), line]));

// --- web server access logs -----------------------------------------------------------------------------
function nginxLine(ts, i) {
  const d = new Date(Number(ts / 1000000n));
  const stamp = `${String(d.getUTCDate()).padStart(2, '0')}/Jan/2026:${d.toISOString().slice(11, 19)} +0000`;
  const ip = chance(0.15) ? `2001:db8::${hex(4)}` : `${pick([10, 172, 192, 203])}.${int(0, 3)}.${int(0, 9)}.${int(1, 60)}`;
  const uri = pick(['/', '/index.html', '/img/logo.png', '/api/items?id=' + int(1, 99), '/search?q=a%20b', '/admin/login.php', '/wp-login.php', '/static/app.js']);
  const status = pick([200, 200, 200, 200, 304, 301, 404, 403, 500, 502]);
  if (i % 67 === 31) return `${d.toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', '/')} [${pick(['error', 'warn'])}] ${int(10, 99)}#0: *${int(1, 9999)} connect() failed (111: Connection refused) while connecting to upstream, client: ${ip}`;
  return `${ip} - ${chance(0.2) ? pick(['alice', 'bob']) : '-'} [${stamp}] "${pick(METHODS)} ${uri} HTTP/1.1" ${status} ${status === 304 ? 0 : int(20, 90000)} "${chance(0.5) ? '-' : 'https://example.org/' + pick(['', 'a', 'b/c'])}" "${pick(AGENTS)}" ${round(R() * 2, 3)}`;
}
[['web-1', 1000], ['web-2', 700], ['web-3', 400]].forEach(([host, n], k) => {
  R = rng(500 + k); lane++;
  stream('conf', { job: 'nginx', host, env: k === 2 ? 'staging' : 'prod' }, spread(n, lane).map((ts, i) => [S(ts), nginxLine(ts, i)]));
});

lane += 8; // lanes that stay free, so that later streams keep their times

// --- exact ticks, for window borders --------------------------------------------------------------------------
stream('conf', { job: 'tick', every: '1s' }, Array.from({ length: 1200 }, (_, i) => [S(T0 + BigInt(i) * SEC), `tick n=${i}`]));
stream('conf', { job: 'tick', every: '10s' }, Array.from({ length: 720 }, (_, i) => [S(T0 + BigInt(i) * 10n * SEC), `tick n=${i} mod=${i % 7}`]));
stream('conf', { job: 'tick', every: '60s' }, Array.from({ length: 120 }, (_, i) => [S(T0 + BigInt(i) * 60n * SEC), `tick n=${i} sq=${i * i}`]));

// --- levels and regions, for aggregations ------------------------------------------------------------------------
const shops = [['info', 'eu', 640], ['info', 'us', 540], ['warn', 'eu', 270], ['warn', 'us', 135], ['error', 'eu', 90], ['error', 'us', 65], ['debug', 'eu', 450]];
shops.forEach(([level, region, n], k) => {
  R = rng(700 + k); lane++;
  stream('conf', { app: 'shop', level, region, env: 'prod' }, spread(n, lane).map((ts) => [S(ts),
    `order=${int(1, 500)} item=${pick(['apple', 'pear', 'plum', 'fig'])} price=${round(R() * 100, 2)} qty=${int(1, 9)} took=${int(1, 999)}ms${level === 'error' ? ' error="' + pick(['declined', 'Timeout', 'ERROR 42']) + '"' : ''}`]));
});

// --- numbers for unwrap -------------------------------------------------------------------------------------------
R = rng(800); lane++;
stream('conf', { job: 'metrics', kind: 'latency' }, spread(360, lane).map((ts) => { const v = R() * 2; return [S(ts), `route=${pick(['/a', '/b', '/c'])} latency=${round(v * 1000, 1)}ms latency_s=${round(v, 4)} size=${round(R() * 64, 2)}KiB raw=${int(1, 65536)}`]; }));
R = rng(801); lane++;
let counter = 100;
stream('conf', { job: 'metrics', kind: 'counter' }, Array.from({ length: 240 }, (_, i) => { counter = i % 57 === 40 ? int(0, 5) : counter + int(0, 9); return [S(T0 + BigInt(i) * 30n * SEC + BigInt(lane)), `total=${counter} shard=${i % 2}`]; }));
R = rng(802); lane++;
stream('conf', { job: 'metrics', kind: 'gauge' }, Array.from({ length: 240 }, (_, i) => [S(T0 + BigInt(i) * 30n * SEC + BigInt(lane)), `temp=${round(20 + 10 * Math.sin(i / 20) + R(), 3)} room=${pick(['r1', 'r2', 'r3'])} door=${pick(['open', 'closed'])}`]));
lane++;
const oddNumbers = ['5', '-5', '+5', '5.5', '.5', '5.', '1e3', '1E-3', '0x1F', '1_000', 'NaN', 'nan', 'Inf', '+Inf', '-Inf', 'infinity', '', '"5"', '" 5 "', 'abc', '12abc', '1,5', '1e400', '9007199254740993', '0.1', '-0', '٣', '5KB', '5s', 'true'];
stream('conf', { job: 'metrics', kind: 'odd' }, oddNumbers.map((v, i) => [S(T0 + BigInt(i) * 60n * SEC + BigInt(lane)), `n=${i} v=${v} g=${i % 3}`]));
lane++;
const oddDurations = ['1h', '1h2m3s', '1.5s', '250us', '250µs', '250μs', '12ns', '-3s', '5', '0', '1d', '1w', '1y', '', '1s500ms', '100ms1s', '1 s', '1S', '.5s', '1.s', '+2m', 'abc', '1e3s', '1h30', '2562047h47m16s', '2562048h', '0.000000001s', '1m0.5s'];
stream('conf', { job: 'metrics', kind: 'dur' }, oddDurations.map((v, i) => [S(T0 + BigInt(i) * 60n * SEC + BigInt(lane)), `n=${i} v="${v}"`]));
lane++;
const oddBytes = ['12B', '1kB', '1KB', '1KiB', '1kib', '1.5MB', '1.5MiB', '2GiB', '2G', '3k', '3K', '42', '5 MB', '1,000 KB', '-1KB', '1e3KB', 'KB', '', 'abc', '1TB', '1PiB', '1EB', '0B', '.5KB', '1.5B', '5b', '5mb', '5 mib', '1KBB', '16EiB'];
stream('conf', { job: 'metrics', kind: 'bytes' }, oddBytes.map((v, i) => [S(T0 + BigInt(i) * 60n * SEC + BigInt(lane)), `n=${i} v="${v}"`]));

// --- packed lines ----------------------------------------------------------------------------------------------------
R = rng(900); lane++;
const packedOdd = ['{"_entry":"only entry"}', '{"pod":"p1"}', '{"pod":"p1","_entry":""}', '{"pod":"p1","_entry":{"a":1}}', '{"pod":42,"ok":true,"n":null,"_entry":"non strings"}', 'not json', '{"_entry":"dup","_entry":"second"}', '{"job":"collide","env":"x","_entry":"collision"}', '["_entry"]', '{"nested":{"a":"b"},"_entry":"nested is skipped"}', '{"a.b":"dotted","_entry":"sanitised?"}', '{"_entry":"{\\"inner\\":\\"json\\",\\"n\\":1}","pod":"p2"}', '{"_entry":"a=1 b=\\"two words\\"","pod":"p3"}', '{"_entry":"esc \\u00e9 \\n newline","pod":"p\\u00e9"}', '{"_entry":"x","pod":""}', '{}', ''];
stream('conf', { job: 'packed', env: 'prod' }, spread(160, lane).map((ts, i) => [S(ts), i % 8 === 3 && packedOdd[(i - 3) / 8] !== undefined ? packedOdd[(i - 3) / 8]
  : JSON.stringify({ container: pick(['web', 'db', 'cache']), pod: `pod-${hex(3)}`, _entry: `level=${pick(['info', 'warn', 'error'])} msg="packed ${i}" took=${int(1, 500)}ms` })]));

// --- IP addresses --------------------------------------------------------------------------------------------------------
R = rng(1000); lane++;
const ipOdd = ['src=192.168.0.1', 'src=192.168.4.5 dst=10.0.0.1', 'src=999.1.1.1', 'src=1.2.3', 'src=1.2.3.4.5', 'src=::1', 'src=2001:db8::1', 'src=2001:0db8:0000:0000:0000:0000:0000:0001', 'src=[2001:db8::2]:443', 'src=10.0.0.1:8080', 'src=fe80::1%eth0', 'src=::ffff:192.168.0.1', 'client 192.168.0.10, server: 10.1.2.3', 'no address here', 'src=', 'src=256.256.256.256', 'src=010.001.000.001', '192.168.0.1-192.168.0.9', '192.168.0.0/24', 'v1.2.3.4beta', '(192.168.1.77)', 'a192.168.1.78', '192.168.1.79a', '192.168.1.80.', 'src="192.168.0.200"', 'src=0.0.0.0', 'src=255.255.255.255', '2001:db8:0:1::ff', 'mac=00:1b:44:11:3a:b7 src=172.16.0.9', 'time 12:34:56 src=172.16.0.10'];
stream('conf', { job: 'firewall', env: 'prod' }, spread(330, lane).map((ts, i) => [S(ts), i % 11 === 5 && ipOdd[(i - 5) / 11] !== undefined ? ipOdd[(i - 5) / 11]
  : `action=${pick(['allow', 'deny'])} src=${chance(0.2) ? `2001:db8:${int(0, 2)}::${hex(3)}` : `192.168.${int(0, 5)}.${int(0, 255)}`} dst=10.${int(0, 2)}.0.${int(1, 20)} port=${pick([22, 80, 443, 8080])} proto=${pick(['tcp', 'udp'])}`]));

// --- ANSI colours -----------------------------------------------------------------------------------------------------------
R = rng(1100); lane++;
const esc = '\u001b';
const ansiOdd = [`${esc}[31mred${esc}[0m plain`, `${esc}[1;32mbold green${esc}[0m`, `${esc}[38;5;208morange${esc}[39m`, `${esc}[38;2;1;2;3mtrue colour${esc}[m`, `${esc}[2Kcleared ${esc}[1Aup`, `no colour`, `broken ${esc}[ sequence`, `${esc}]0;title\u0007osc`, `${esc}(Bcharset`, `\u009b31mC1 csi`, `${esc}`, `${esc}[31m${esc}[0m`, `[31mnot an escape[0m`, `${esc}[4:3mcolon${esc}[0m`, `${esc}[?25lhide${esc}[?25h`];
stream('conf', { job: 'ansi', env: 'dev' }, spread(60, lane).map((ts, i) => [S(ts), i < ansiOdd.length ? ansiOdd[i] : `${esc}[${pick([31, 32, 33, 34])}m${pick(['INFO', 'WARN', 'ERROR'])}${esc}[0m level=${pick(['info', 'warn', 'error'])} n=${i}`]));

// --- structured metadata -------------------------------------------------------------------------------------------------------
R = rng(1200); lane++;
stream('conf', { service_name: 'checkout', env: 'prod' }, spread(400, lane).map((ts, i) => {
  const md = { trace_id: hex(8), span: String(i % 10), severity: pick(['INFO', 'WARN', 'ERROR']) };
  if (chance(0.3)) md.http_status = String(pick([200, 404, 500]));
  if (chance(0.3)) md.took = `${int(1, 2000)}ms`;
  if (chance(0.3)) md.payload = `${int(1, 64)}KB`;
  if (chance(0.2)) md.client = `10.0.${int(0, 3)}.${int(1, 254)}`;
  return [S(ts), `step=${pick(['cart', 'pay', 'ship'])} trace=${int(1, 9)} span=line-${i % 3}`, md];
}));
lane++;
const mdOdd = [
  ['md with dots', { 'a.b': 'dots', 'c-d': 'dash', 'e f': 'space' }], ['md collides with stream labels', { service_name: 'md-service', env: 'md-env', odd: 'md-odd' }], ['md empty value', { empty: '', full: 'x' }], ['md unicode', { name: '名前', word: 'значение' }],
  ['md quotes', { q: 'say "hi"', b: 'back\\slash', n: 'new\nline' }], ['md starts with digit', { '1st': 'one' }], ['md collides with parsed x=parsed y=1', { x: 'md-x' }], ['md uppercase', { Level: 'Warn', TRACE: 'T' }], ['md error spoof', { __error__: 'spoofed' }], ['md empty object', {}], ['no md at all'],
  ['md many', Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${String(i).padStart(2, '0')}`, `v${i}`]))], ['same line', { v: '1' }], ['same line', { v: '2' }], ['same line'], ['md long', { long: 'L'.repeat(500) }], ['md number like n=1', { num: '12.5', dur: '3s', size: '4KiB', ip: '10.9.8.7' }],
  ['x=line', { x: 'md', x_extracted: 'md-ext' }], ['{"x":"json","odd":"json-odd"}', { x: 'md' }], ['md same as another label', { same: 'v' }],
];
stream('conf', { service_name: 'md-edge', odd: 'stream', env: 'dev' }, mdOdd.map((e, i) => [S(T0 + BigInt(i) * 60n * SEC + BigInt(lane)), ...e]));

// --- line edge cases ---------------------------------------------------------------------------------------------------------------
R = rng(1300); lane++;
const words = 'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor'.split(' ');
const longText = (n) => { let s = ''; while (s.length < n) s += pick(words) + ' '; return s.slice(0, n); };
const lineEdge = ['begin', '', ' ', '\t', '\n', '\r\n', 'trailing newline\n', 'two\nlines', 'carriage\rreturn', 'tab\there', 'nul\u0000byte', 'bell\u0007', 'unicode é ñ ü', 'combining e\u0301', 'cjk 日本語テキスト', 'rtl שלום עולם', 'emoji 🎉🚀 👨‍👩‍👧', 'astral 𝒳 𐍈', 'bom \ufeff here', 'line sep \u2028 para sep \u2029', 'nbsp\u00a0here', 'zero\u200bwidth', 'quote " and \' and `', 'backslash \\ and \\n', 'percent %d %s', 'braces {} {{.x}} <_> <a>', 'ERROR upper', 'error lower', 'Error mixed', 'eRRoR odd', 'İstanbul ı I i', 'STRASSE straße', 'Kelvin K sign', 'ſ long s', 'pipe | in line |= "x"', '# not a comment', 'a.b.c', 'aXbXc', 'a\\.b', '$1 ${2}', '^start end$', '(paren) [bracket] *star+', 'ſ', 'Ω ω', 'replacement \ufffd char', 'null', '0', 'false', 'null byte at end\u0000'];
const edgeEntries = lineEdge.map((line, i) => [S(T0 + BigInt(i) * 30n * SEC + BigInt(lane)), line]);
edgeEntries.push([S(T0 + 3000n * SEC + 1n), 'long start ' + longText(20000) + ' needle-in-the-middle ' + longText(300) + ' long end']);
edgeEntries.push([S(T0 + 3001n * SEC + 1n), 'x'.repeat(20480)]);
edgeEntries.push([S(T0 + 3002n * SEC + 1n), '{"big":"' + 'y'.repeat(20000) + '","tail":"t"}']);
stream('conf', { job: 'edge', case: 'lines' }, edgeEntries);

// several entries with one timestamp, duplicates, arrivals out of order
lane++;
const same = [];
for (let i = 0; i < 6; i++) for (let j = 0; j < 5; j++) same.push([S(T0 + BigInt(i) * 600n * SEC), `same-ts group=${i} item=${j}`]);
same.push([S(T0 + 600n * SEC), 'same-ts group=1 item=0'], [S(T0 + 600n * SEC), 'same-ts group=1 item=0'], [S(T0 + 601n * SEC), 'same-ts group=1 item=0']);
stream('conf', { job: 'edge', case: 'same-ts' }, same);
const order = []; for (let i = 0; i < 120; i++) order.push((i * 49) % 120);
stream('conf', { job: 'edge', case: 'out-of-order' }, order.map((k) => [S(T0 + BigInt(k) * 30n * SEC + 7n), `seq=${k} arrival=${order.indexOf(k)}`]));
stream('conf', { job: 'edge', case: 'nanos' }, ['0', '1', '999', '1000', '999999', '1000000', '999999999', '1000000000', '1000000001', '1500000000', '1999999999', '2000000000'].map((n) => [S(T0 + 1800n * SEC + BigInt(n)), `offset=${n}ns`]));

// --- odd label values ------------------------------------------------------------------------------------------------------------------
const oddLabels = [
  { value: 'say "hi"' }, { value: 'C:\\Program Files\\app' }, { value: 'line1\nline2' }, { value: 'tab\there' }, { value: 'ünïcödé' }, { value: '日本' }, { value: '{a="b"}' }, { value: 'a,b' }, { value: 'a.b' }, { value: 'a+b' }, { value: '(x|y)' }, { value: ' spaced ' }, { value: '`backtick`' }, { value: "it's" }, { value: '0' }, { value: 'TRUE' },
];
oddLabels.forEach((extra, k) => stream('conf', { job: 'labels', ...extra }, Array.from({ length: 3 }, (_, i) => [S(T0 + BigInt(100 + k * 10 + i) * SEC + BigInt(k)), `odd label ${k} entry ${i} value=line value_extracted=spoof`])));
stream('conf', { job: 'labels', level: 'info', level_extracted: 'stream', Upper: 'Case', _under: 'score', a1: 'digit' }, Array.from({ length: 3 }, (_, i) => [S(T0 + BigInt(400 + i) * SEC), `level=line Upper=line a1=line n=${i}`]));

// --- more tenants --------------------------------------------------------------------------------------------------------------------------
['team-a', 'team-b'].forEach((tenant, t) => {
  [['web', 'prod', 320], ['web', 'dev', 160], ['db', 'prod', 80]].forEach(([app, env, n], k) => {
    R = rng(1500 + t * 10 + k); lane++;
    const labels = { app, env };
    if (tenant === 'team-b' && app === 'db') labels.zone = 'z1';
    stream(tenant, labels, spread(n, lane).map((ts, i) => [S(ts), `tenant=${tenant} app=${app} n=${i} status=${pick([200, 404, 500])} took=${int(1, 300)}ms`]));
  });
});

// --- log level detection ----------------------------------------------------------------------------------------------------------------------
const levelLines = [
  'level=info msg=x', 'level=INFO msg=x', 'level=Information', 'lvl=warn', 'lvl=warning', 'severity=ERROR', 'Severity=err', 'level=fatal', 'level=critical', 'level=crit', 'level=panic', 'level=trace', 'level=trc', 'level=debug', 'level=dbg', 'level=notice', 'level=unknownlevel', 'level="warn"', 'level = info', 'loglevel=error', 'LEVEL=debug', 'Level=Info', 'LVL=error',
  '{"level":"info"}', '{"level":"ERROR","msg":"x"}', '{"lvl":"warn"}', '{"severity":"CRITICAL"}', '{"Severity":"debug"}', '{"log":{"level":"warn"}}', '{"log.level":"error"}', '{"a":{"level":"error"}}', '{"a":{"b":{"level":"error"}}}', '{"level":3}', '{"level":30}', '{"level":"30"}', '{"level":null}', '{"level":""}', '{"msg":"this is an error"}', '{"msg":"no level","SeverityText":"Warn"}', '{"severity_text":"fatal"}', '{"level":"info","severity":"error"}', '{"severity":"error","level":"info"}', '[{"level":"error"}]',
  'plain text', 'INFO starting', 'ERROR: boom', '[ERROR] boom', 'an error occurred', 'warning: disk', 'WARN disk', '[warn] disk', '<error>', 'DEBUG x', 'debugging', 'fatal: y', 'CRITICAL z', 'panic: runtime', 'trace me', '2026-01-10 00:00:00 INFO x', '2026-01-10T00:00:00Z ERROR y', 'I0110 00:00:00 glog', 'E0110 00:00:00 glog', 'no errors found', 'errors=0', 'err=nil', 'exception thrown', 'Info Error Warn', 'warn then error', '', 'level=', '{"level":"warn"', 'level=info level=error', 'level=\u00a0info', 'log.level=warn', 'level=10', 'level=200',
];
stream('levels', { app: 'lv' }, levelLines.map((line, i) => [S(T0 + BigInt(i) * 60n * SEC), line]));
stream('levels', { app: 'lv-label', level: 'Warning' }, [[S(T0 + 1n), 'level=error from line'], [S(T0 + 2n), 'plain']]);
stream('levels', { app: 'lv-label-odd', severity: 'weird' }, [[S(T0 + 3n), 'level=error from line'], [S(T0 + 4n), 'plain']]);
stream('levels', { app: 'lv-md' }, [[S(T0 + 5n), 'level=error from line', { level: 'debug' }], [S(T0 + 6n), 'plain', { severity: 'WARN' }], [S(T0 + 7n), 'plain', { severity_text: 'Fatal' }], [S(T0 + 8n), 'plain error', { detected_level: 'preset' }], [S(T0 + 9n), 'plain', { severity_number: '17' }], [S(T0 + 10n), 'plain', { severity_number: '5', level: 'error' }], [S(T0 + 11n), 'level=error', { severity_number: '9' }]]);
stream('levels', { app: 'lv-detected', detected_level: 'custom' }, [[S(T0 + 12n), 'level=error']]);

process.stdout.write(out.map((s) => JSON.stringify(s)).join('\n') + '\n');
process.stderr.write(`${out.length} streams, ${out.reduce((n, s) => n + s.entries.length, 0)} entries, ${lane} lanes\n`);
