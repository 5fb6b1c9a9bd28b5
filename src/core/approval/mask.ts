/**
 * Secrets do not enter the log, and a command may hold one. What has a known shape is masked before the op is made; a secret without such a shape, in
 * an argument without a telling name, is not known for one and stays.
 */

const MASKED = '[masked]';

/**
 * Each bounded, so that no text costs more than its length. `$1`, where there is one, stays: it says what was masked. A text without the `hint` has no such
 * shape: most texts have none, and the hints are found in a fifth of the time.
 */
const SHAPES: readonly { hint: RegExp; shape: RegExp }[] = [
  {
    hint: /-----BEGIN/,
    shape: /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,8192}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g,
  },
  // Tokens that say by their beginning what they are.
  { hint: /sk-/, shape: /\b(sk-(?:ant-|proj-|or-)?)[A-Za-z0-9_-]{16,256}/g },
  {
    hint: /_|-/,
    shape:
      /\b(gh[pousr]_|github_pat_|glpat-|npm_|pypi-|hf_|xox[abeprs]-|shpat_|dop_v1_|sk_live_|rk_live_)[A-Za-z0-9_-]{10,256}/g,
  },
  { hint: /AKIA|ASIA|AIza/, shape: /\b(AKIA|ASIA|AIza)[A-Za-z0-9_-]{16,64}/g },
  { hint: /eyJ/, shape: /\b(eyJ)[A-Za-z0-9_-]{8,2048}\.[A-Za-z0-9_-]{8,4096}(?:\.[A-Za-z0-9_-]{0,2048})?/g },
  { hint: /skep-join-/, shape: /\b(skep-join-)[A-Za-z0-9_=-]{8,2048}/g },
  { hint: /[Bb]earer|[Bb]asic/, shape: /\b((?:[Bb]earer|[Bb]asic)[ \t]{1,4})[A-Za-z0-9._~+/=-]{8,2048}/g },
  { hint: /:\/\//, shape: /([a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/'"]{0,128}:)[^\s@/'"]{1,256}(?=@)/g },
  // Whatever is given to a telling name: PASSWORD=x, --token x, "apiKey": "x".
  {
    hint: /pass|secret|token|key|credential/i,
    shape:
      /(\b[A-Za-z0-9_-]{0,40}(?:[Pp]ass(?:word|wd|phrase)|PASS(?:WORD|WD|PHRASE)|[Ss]ecret|SECRET|[Tt]oken|TOKEN|[Aa]pi[_-]?[Kk]ey|API_?KEY|ACCESS_KEY|[Aa]ccess[_-]?[Kk]ey|[Pp]rivate[_-]?[Kk]ey|PRIVATE_KEY|[Cc]redential|CREDENTIAL)[A-Za-z0-9_-]{0,20}["']?[ \t]{0,4}[=:][ \t]{0,4}["']?)[^\s"'$&|;<>,(){}]{4,2048}/g,
  },
  {
    hint: /--/,
    shape:
      /(--[a-z-]{0,20}(?:password|passwd|passphrase|secret|token|api-?key|access-key)[a-z-]{0,10}[ \t]{1,4}["']?)[^\s"'$&|;<>(){}-][^\s"'$&|;<>(){}]{3,2048}/g,
  },
];

/** The text with what looks like a secret replaced. The same text gives the same answer, and masking twice changes nothing more. */
export function masked(text: string): string {
  let rest = text;
  for (const { hint, shape } of SHAPES) {
    if (!hint.test(rest)) continue;
    rest = rest.replace(shape, (found: string, ...groups: unknown[]) => {
      if (found.includes(MASKED)) return found;
      return `${typeof groups[0] === 'string' ? groups[0] : ''}${MASKED}`;
    });
  }
  return rest;
}
