/**
 * Forms that somebody wants to fill again. They lie in this browser: a template is a habit of one person, and the log of the swarm keeps what
 * happened, for ever and for all.
 */

/** Values by the name of their field. */
export type Values = Readonly<Record<string, string>>;
export type Template = { name: string; values: Values };

const KEY = 'skep-templates';
/** More than a person can choose from. */
const TEMPLATES_MAX = 50;
/** What belongs to one task alone. */
const OWN: ReadonlySet<string> = new Set(['id', 'depends_on', 'supersedes', 'titles', 'chain']);

/** Whatever cannot be read is left out: another version of the page may have written it. */
export function templatesOf(text: string | null): Template[] {
  let read: unknown;
  try {
    read = JSON.parse(text ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(read)) return [];
  return read.flatMap((one: unknown) => {
    if (typeof one !== 'object' || one === null || !('name' in one) || !('values' in one)) return [];
    const { name, values } = one;
    if (typeof name !== 'string' || typeof values !== 'object' || values === null) return [];
    const texts = Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    return [{ name, values: Object.fromEntries(texts) }];
  });
}

/** In place of the one of that name, or as the first; the oldest go. */
export const withTemplate = (held: readonly Template[], template: Template): Template[] =>
  [template, ...held.filter(({ name }) => name !== template.name)].slice(0, TEMPLATES_MAX);

/** What of a form is kept: fields that are filled and that another task may have, too. */
export const valuesOf = (form: FormData): Values =>
  Object.fromEntries(
    [...form].filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '' && !OWN.has(entry[0]),
    ),
  );

/** A browser may forbid storage; then there are none. */
export function keptTemplates(): Template[] {
  try {
    return templatesOf(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

/** Throws where the browser keeps nothing. */
export const keepTemplates = (templates: readonly Template[]): void =>
  localStorage.setItem(KEY, JSON.stringify(templates));
