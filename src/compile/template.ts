/** Texts with `{{NAME}}` places, as the seed's compiler had them. */
import { CompileRefusal } from './refusal.ts';

const PLACE = /\{\{([A-Z][A-Z0-9_]*)\}\}/g;

/** Fills each `{{NAME}}`. Refused when a name has no value, or a value no place: one of the two is misspelt. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  const places = new Set(Array.from(template.matchAll(PLACE), ([, name = '']) => name));
  const unknown = [...places].filter((name) => values[name] === undefined);
  const unused = Object.keys(values).filter((name) => !places.has(name));
  if (unknown.length > 0 || unused.length > 0)
    throw new CompileRefusal(
      'bad_template',
      `the template and its values differ: ${[...unknown.map((name) => `{{${name}}} has no value`), ...unused.map((name) => `${name} has no place`)].join(', ')}`,
      'a place is {{NAME}} in capital letters',
    );
  return template.replaceAll(PLACE, (_, name: string) => values[name] ?? '');
}
