/** What a filled form asks of the node: one task, or several that differ in their titles. */
/** Tasks of one form. */
export const TITLES_MAX = 100;

const textOf = (form: FormData, name: string): string => {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
};

/** Fields that are empty are left out: the node has its own words for what is missing. */
export function bodyOf(form: FormData): Record<string, unknown> {
  const orNone = (name: string): string | undefined => (textOf(form, name) === '' ? undefined : textOf(form, name));
  const number = (name: string): number | undefined =>
    orNone(name) === undefined ? undefined : Number(textOf(form, name));
  const list = (name: string): string[] =>
    textOf(form, name)
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  return {
    title: textOf(form, 'title'),
    description: orNone('description'),
    context: orNone('context'),
    project: orNone('project'),
    project_path: orNone('project_path'),
    base: orNone('base'),
    required_capabilities: list('capabilities'),
    priority: number('priority'),
    attempts_max: number('attempts_max'),
    time_limit_s: number('time_limit_s'),
    budget_usd: number('budget_usd'),
    claims: orNone('claims'),
    supersedes: orNone('supersedes'),
    fork: orNone('fork'),
    id: orNone('id'),
    depends_on: form.getAll('depends_on'),
  };
}

/** One title a line. */
export const titlesOf = (form: FormData): string[] =>
  textOf(form, 'titles')
    .split('\n')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** `left`: titles that are not created, the refused one first; `error` is what was thrown, undefined when nothing was. */
export type Created<T> = { tasks: T[]; left: string[]; error: unknown };

/** One after the other, in the order of the lines; ends with the first that is refused. `isChain`: each waits for the one before. */
export async function createMany<T extends { id: string }>(
  titles: readonly string[],
  { body, isChain }: { body: Record<string, unknown>; isChain: boolean },
  create: (body: Record<string, unknown>) => Promise<T>,
): Promise<Created<T>> {
  const tasks: T[] = [];
  const dependsOn: unknown = body['depends_on'];
  const before: readonly unknown[] = Array.isArray(dependsOn) ? dependsOn : [];
  for (const [index, title] of titles.slice(0, TITLES_MAX).entries()) {
    const last = tasks.at(-1);
    const more = isChain && last !== undefined ? [last.id] : [];
    try {
      tasks.push(await create({ ...body, id: undefined, title, depends_on: [...before, ...more] }));
    } catch (error) {
      return { tasks, left: titles.slice(index), error };
    }
  }
  return { tasks, left: titles.slice(TITLES_MAX), error: undefined };
}
