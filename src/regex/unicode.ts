/**
 * Unicode properties and simple case folding, taken from the runtime's own tables (its Unicode
 * version may be newer than Go's). Everything is computed at first use and kept: at most one set
 * per property name.
 */
import { type CodePoints, contains, negate, normalize } from "./code-points.ts";

const categories =
  "C Cc Cf Cn Co Cs L LC Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk " +
  "Sm So Z Zl Zp Zs";

const categoryAliases =
  "Other=C Control=Cc Cntrl=Cc Format=Cf Unassigned=Cn Private_Use=Co Surrogate=Cs Letter=L " +
  "Cased_Letter=LC Lowercase_Letter=Ll Modifier_Letter=Lm Other_Letter=Lo Titlecase_Letter=Lt " +
  "Uppercase_Letter=Lu Mark=M Combining_Mark=M Spacing_Mark=Mc Enclosing_Mark=Me " +
  "Nonspacing_Mark=Mn Number=N Decimal_Number=Nd Digit=Nd Letter_Number=Nl Other_Number=No " +
  "Punctuation=P Punct=P Connector_Punctuation=Pc Dash_Punctuation=Pd Close_Punctuation=Pe " +
  "Final_Punctuation=Pf Initial_Punctuation=Pi Other_Punctuation=Po Open_Punctuation=Ps " +
  "Symbol=S Currency_Symbol=Sc Modifier_Symbol=Sk Math_Symbol=Sm Other_Symbol=So Separator=Z " +
  "Line_Separator=Zl Paragraph_Separator=Zp Space_Separator=Zs";

const scripts =
  "Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak " +
  "Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian " +
  "Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot " +
  "Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs " +
  "Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi " +
  "Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic " +
  "Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana " +
  "Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu " +
  "Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen " +
  "Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs " +
  "Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa " +
  "Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian " +
  "Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage " +
  "Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang " +
  "Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian " +
  "Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham " +
  "Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto " +
  "Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square";

/** Case, spaces, hyphens and underscores do not count in a property's name. */
const plainName = (name: string): string => name.toLowerCase().replace(/[ _-]/g, "");

/** From the plain name to the property expression the runtime understands. */
const properties = new Map<string, string>();
for (const name of scripts.split(" ")) properties.set(plainName(name), `Script=${name}`);
for (const pair of categoryAliases.split(" ")) {
  const [alias, name] = pair.split("=") as [string, string];
  properties.set(plainName(alias), `gc=${name}`);
}
for (const name of categories.split(" ")) properties.set(plainName(name), `gc=${name}`);
properties.set("any", "Any").set("ascii", "ASCII").set("assigned", "Assigned");

const sets = new Map<string, CodePoints>();

/** The set named in `\p{name}`, or undefined when there is none of that name. */
export function unicodeProperty(name: string): CodePoints | undefined {
  const property = properties.get(plainName(name));
  if (property === undefined) return undefined;
  let set = sets.get(property);
  if (set === undefined) {
    set = property === "gc=C" ? otherCategory() : scan(property);
    sets.set(property, set);
  }
  return set;
}

/** Unlike Unicode's, Go's category C leaves out what is not assigned. */
function otherCategory(): CodePoints {
  return normalize(["Cc", "Cf", "Co", "Cs"].flatMap((name) => [...scan(`gc=${name}`)]));
}

/**
 * Stretches in which every code point is of one kind: unassigned planes, private use planes, the
 * two non-characters at the end of a plane. One probe stands for each of them, which makes a scan
 * five times shorter.
 */
const uniform: CodePoints = [
  0x34000, 0xdffff, 0xe0200, 0xeffff, 0xf0000, 0xffffd, 0xffffe, 0xfffff, 0x100000, 0x10fffd,
  0x10fffe, 0x10ffff,
];

function scan(property: string): CodePoints {
  const pattern = new RegExp(`^\\p{${property}}$`, "u");
  const ranges: number[] = [];
  const visit = (from: number, to: number): void => {
    if (pattern.test(String.fromCodePoint(from))) ranges.push(from, to);
  };
  for (let codePoint = 0; codePoint < 0x34000; codePoint++) visit(codePoint, codePoint);
  for (let codePoint = 0xe0000; codePoint < 0xe0200; codePoint++) visit(codePoint, codePoint);
  for (let i = 0; i < uniform.length; i += 2) visit(uniform[i]!, uniform[i + 1]!);
  return normalize(ranges);
}

let orbits: ReadonlyMap<number, readonly number[]> | undefined;

/**
 * Code points that are equal to others under simple case folding (Unicode's CaseFolding.txt,
 * statuses C and S), each with its whole group. İ and ı fold to nothing else there, though their
 * upper and lower case would suggest it.
 */
function caseOrbits(): ReadonlyMap<number, readonly number[]> {
  if (orbits !== undefined) return orbits;
  const found = new Map<number, number[]>();
  const join = (a: number, b: number): void => {
    const left = found.get(a) ?? [a];
    const right = found.get(b) ?? [b];
    const all = left === right || left.includes(b) ? left : [...left, ...right];
    for (const member of all) found.set(member, all);
  };
  for (let codePoint = 0x41; codePoint <= 0x1e943; codePoint++) {
    if (codePoint === 0x130 || codePoint === 0x131) continue;
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue;
    const text = String.fromCodePoint(codePoint);
    for (const other of [text.toLowerCase(), text.toUpperCase()]) {
      const folded = other.codePointAt(0)!;
      if (folded !== codePoint && other.length === String.fromCodePoint(folded).length) {
        join(codePoint, folded);
      }
    }
  }
  orbits = found;
  return found;
}

const kelvin = 0x212a;
const longS = 0x17f;

/** All code points equal to one of the set under case folding. */
export function foldSet(set: CodePoints): CodePoints {
  const out = [...set];
  if (set.length > 0 && set[set.length - 1]! < 0x80) {
    // ASCII needs no table: that keeps `(?i)error` cheap to compile.
    for (let letter = 0x61; letter <= 0x7a; letter++) {
      if (!contains(set, letter) && !contains(set, letter - 32)) continue;
      out.push(letter, letter, letter - 32, letter - 32);
      if (letter === 0x6b) out.push(kelvin, kelvin);
      if (letter === 0x73) out.push(longS, longS);
    }
    return normalize(out);
  }
  if (negate(set).length === 0) return set;
  for (const [codePoint, group] of caseOrbits()) {
    if (contains(set, codePoint)) for (const member of group) out.push(member, member);
  }
  return normalize(out);
}
