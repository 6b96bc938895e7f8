/** What others say may hold what we must not repeat. */

const shown = "<secret>";
/** A message of a server is cut here; its first words tell. */
const messageCharactersMax = 500;
const webToken = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/** The text without these secrets, without web tokens, and of bounded length. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret === "") continue;
    clean = clean.replaceAll(secret, shown).replaceAll(encodeURIComponent(secret), shown);
  }
  clean = clean.replace(webToken, shown);
  return clean.length <= messageCharactersMax ? clean : `${clean.slice(0, messageCharactersMax)}…`;
}
