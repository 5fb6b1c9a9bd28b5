/** OpenAI Responses: https://platform.openai.com/docs/api-reference/responses-streaming */
import type { Dialect, Event } from './answer.ts';
import { USAGE } from './answer.ts';
import type { Asked } from './request.ts';
import type { Step } from './script.ts';
import type { ToolCall } from './tool-call.ts';
import { pieces } from './tool-call.ts';

type Item = { done: Record<string, unknown>; begun: Record<string, unknown>; deltas: string[] };

/** `id` makes the ids of response, items and call; the caller keeps it unique. */
export function responsesAnswer(step: Step, o: { asked: Asked; call: ToolCall | undefined; id: string }): Dialect {
  const { asked, call, id } = o;
  const items = itemsOf(step, call, id);
  const usage = step.usage ?? USAGE;
  const counts = {
    input_tokens: usage.in,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: usage.out,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.in + usage.out,
  };
  const response = { id: `resp_${id}`, object: 'response', model: asked.model };
  const completed = { ...response, status: 'completed', output: items.map((item) => item.done), usage: counts };
  return {
    events: () => {
      const events: Event[] = [];
      const add = (name: string, data: object, waitMs = 0): void => {
        events.push({ name, data: { type: name, sequence_number: events.length, ...data }, waitMs });
      };
      add('response.created', { response: { ...response, status: 'in_progress', output: [] } });
      for (const [index, item] of items.entries()) {
        add('response.output_item.added', { output_index: index, item: item.begun });
        for (const delta of item.deltas) {
          const place = { item_id: item.begun['id'], output_index: index, content_index: 0 };
          add('response.output_text.delta', { ...place, delta }, step.delayMs);
        }
        add('response.output_item.done', { output_index: index, item: item.done });
      }
      add('response.completed', { response: completed });
      return events;
    },
    whole: () => completed,
  };
}

function itemsOf(step: Step, call: ToolCall | undefined, id: string): Item[] {
  const said = call === undefined ? (step.text ?? '') : (step.preText ?? '');
  const items: Item[] = [];
  if (step.thinking !== undefined) {
    const reasoning = { type: 'reasoning', id: `rs_${id}`, summary: [{ type: 'summary_text', text: step.thinking }] };
    items.push({ begun: { ...reasoning, summary: [] }, deltas: [], done: reasoning });
  }
  if (said !== '' || call === undefined) {
    const head = { type: 'message', id: `msg_${id}`, role: 'assistant' };
    items.push({
      begun: { ...head, status: 'in_progress', content: [] },
      deltas: pieces(said, step.chunks),
      done: { ...head, status: 'completed', content: [{ type: 'output_text', text: said, annotations: [] }] },
    });
  }
  if (call !== undefined) items.push(callItem(call, id));
  return items;
}

function callItem({ name, namespace, input, custom }: ToolCall, id: string): Item {
  const head = { call_id: `call_${id}`, ...named(name, namespace) };
  const done =
    custom === undefined
      ? { type: 'function_call', id: `fc_${id}`, ...head, arguments: JSON.stringify(input), status: 'completed' }
      : { type: 'custom_tool_call', id: `ctc_${id}`, ...head, input: custom, status: 'completed' };
  return { begun: { ...done, status: 'in_progress' }, deltas: [], done };
}

/** A script for several CLIs has the name that the others use, the server's included: in its namespace a tool has its own. */
const named = (name: string, namespace: string | undefined): { name: string; namespace?: string } =>
  namespace === undefined ? { name } : { name: name.replace(`${namespace}__`, ''), namespace };

export const openAiError = (o: { status: number; type?: string | undefined; message: string }): object => ({
  error: { message: o.message, type: o.type ?? 'stub_error', code: String(o.status) },
});
