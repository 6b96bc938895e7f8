// LogQL for the editor: Grafana's grammar, coloured by the variables of theme.css.
import {
  HighlightStyle,
  LanguageSupport,
  LRLanguage,
  syntaxHighlighting,
} from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { parser } from "@grafana/lezer-logql";
import { styleTags, tags } from "@lezer/highlight";

const coloured = parser.configure({
  props: [
    styleTags({
      LineComment: tags.comment,
      "Identifier ParserFlag": tags.propertyName,
      "String Ip": tags.string,
      "Number Duration Bytes": tags.number,
      "Json Logfmt Unpack Pattern Regexp Unwrap LabelFormat LineFormat Decolorize Drop Keep":
        tags.keyword,
      "By Without On Ignoring GroupLeft GroupRight Bool Offset And Or Unless": tags.keyword,
      "CountOverTime Rate RateCounter BytesOverTime BytesRate AvgOverTime SumOverTime":
        tags.labelName,
      "MinOverTime MaxOverTime StddevOverTime StdvarOverTime QuantileOverTime": tags.labelName,
      "FirstOverTime LastOverTime AbsentOverTime LabelReplace Vector": tags.labelName,
      "Sum Avg Count Max Min Stddev Stdvar Bottomk Topk Sort Sort_Desc Approx_Topk": tags.labelName,
      "PipeExact PipeMatch PipePattern Npa Neq Nre Eq Re": tags.operator,
      "Gtr Gte Lss Lte Eql Add Sub Mul Div Mod Pow Pipe": tags.operator,
    }),
  ],
});

const logql = LRLanguage.define({
  name: "logql",
  parser: coloured,
  languageData: {
    commentTokens: { line: "#" },
    closeBrackets: { brackets: ["(", "[", "{", '"', "`"] },
  },
});

const colours = HighlightStyle.define([
  { tag: tags.comment, color: "var(--code-comment)", fontStyle: "italic" },
  { tag: tags.propertyName, color: "var(--code-label)" },
  { tag: tags.string, color: "var(--code-string)" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: tags.keyword, color: "var(--code-keyword)" },
  { tag: tags.labelName, color: "var(--code-function)" },
  { tag: tags.operator, color: "var(--text-soft)" },
]);

export function logqlLanguage(): Extension {
  return [new LanguageSupport(logql), syntaxHighlighting(colours)];
}
