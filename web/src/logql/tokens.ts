// LogQL cut into tokens, forgiving: any text has tokens, also one that is being typed.

export interface Token {
  readonly kind: "string" | "comment" | "space" | "word" | "sign";
  readonly text: string;
  readonly from: number;
}

const pattern =
  /("(?:[^"\\\n]|\\.)*"?|`[^`]*`?)|(#[^\n]*)|(\s+)|([\p{L}_][\p{L}\p{N}_.:]*|\d[\w.]*)|(\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[^])/gu;

export function tokensOf(text: string): Token[] {
  const kinds = ["string", "comment", "space", "word", "sign"] as const;
  return [...text.matchAll(pattern)].map((match) => {
    const index = match.slice(1).findIndex((group) => group !== undefined);
    return { kind: kinds[index] ?? "sign", text: match[0], from: match.index };
  });
}

/** Tokens without spaces and comments. */
export function meaning(text: string): Token[] {
  return tokensOf(text).filter(({ kind }) => kind !== "space" && kind !== "comment");
}
