/** What a tool is: its name, what a model is told of it, and the schema of its arguments. */
import { z } from 'zod';

const LIST_MAX = 100;
const LIST_DEFAULT = 20;

export type Tool<N extends string = string> = {
  name: N;
  title: string;
  description: string;
  input: z.ZodObject;
  /** It only looks. */
  isReadOnly: boolean;
};

/** Makes the tools of one topic: their inputs are read by name, so a tool without one is an error of types. */
export const toolsOf =
  <N extends string>(inputs: Record<N, z.ZodObject>) =>
  (name: N, title: string, description: string, isReadOnly = false): Tool<N> => ({
    name,
    title,
    description,
    input: inputs[name],
    isReadOnly,
  });

export const said = (max: number, what: string) => z.string().trim().min(1).max(max).describe(what);
export const limit = z.number().int().min(1).max(LIST_MAX).default(LIST_DEFAULT).describe('How many at most');
