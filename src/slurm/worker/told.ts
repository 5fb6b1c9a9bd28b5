/** What an agent's session tells, in the words of codeswarm's router. */
import type { AgentEvent, Usage } from '#agent-ports.ts';

export type RouterEvent = { event: string; payload: Record<string, unknown> };

const only = (event: string, payload: Record<string, unknown>): RouterEvent[] => [{ event, payload }];

/** Keeps count of what was used, which a session tells in pieces. */
export class EventWords {
  readonly #total = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0, costUsd: 0 };

  #contextMax: number | null = null;

  of(event: AgentEvent): RouterEvent[] {
    switch (event.kind) {
      case 'session':
        return only('thread_started', { thread_id: event.session });
      case 'state':
        return only('thread_status', { status: { type: event.state }, evidence: event.evidence, exact: event.exact });
      case 'delta':
        // What stands on its standard error is in the outbox as it came.
        if (event.stream === 'stderr') return [];
        return only(event.stream === 'stdout' ? 'assistant_delta' : 'reasoning_delta', { content: event.text });
      case 'tool': {
        const { id: call_id, name: tool, title: command, state: status } = event;
        return only(status === 'running' ? 'command_started' : 'command_completed', { call_id, tool, command, status });
      }
      case 'permission':
        return only('exec_approval_required', approvalOf(event));
      case 'permission_closed':
        return only('exec_approval_resolved', { approval_id: event.request, call_id: callOf(event.request) });
      case 'usage':
        return only('usage', this.#used(event.usage));
      case 'context':
        this.#contextMax = event.max;
        return [];
      case 'turn_started':
        return only('turn_started', { turn_id: event.turn });
      case 'turn_ended':
        return endOf(event);
      case 'screen':
      case 'exited':
        return [];
    }
  }

  #used(usage: Usage): Record<string, unknown> {
    const total = this.#total;
    total.inputTokens += usage.inputTokens;
    total.cachedTokens += usage.cachedTokens;
    total.outputTokens += usage.outputTokens;
    total.reasoningTokens += usage.reasoningTokens;
    total.costUsd += usage.costUsd ?? 0;
    return {
      ...counted('', total),
      ...counted('last_', usage),
      model_context_window: this.#contextMax,
      model_name: usage.model,
      ...(usage.costUsd === null ? {} : { estimated_cost_usd: total.costUsd }),
    };
  }
}

/** codeswarm counts what came from a cache as a part of the input. */
function counted(
  prefix: string,
  used: Pick<Usage, 'inputTokens' | 'cachedTokens' | 'outputTokens' | 'reasoningTokens'>,
): Record<string, number> {
  const input = used.inputTokens + used.cachedTokens;
  return {
    [`${prefix}total_tokens`]: input + used.outputTokens,
    [`${prefix}input_tokens`]: input,
    [`${prefix}cached_input_tokens`]: used.cachedTokens,
    [`${prefix}output_tokens`]: used.outputTokens,
    [`${prefix}reasoning_output_tokens`]: used.reasoningTokens,
  };
}

/** Codex's name of the item stands before the number of the request. */
export const callOf = (request: string): string => request.split(' ', 1)[0] ?? request;

function approvalOf({ request }: Extract<AgentEvent, { kind: 'permission' }>): Record<string, unknown> {
  return {
    approval_id: request.request,
    call_id: callOf(request.request),
    kind: request.kind,
    tool: request.tool,
    command: request.detail,
    reason: request.title,
    cwd: request.cwd,
    available_decisions: ['accept', 'decline', 'cancel'],
  };
}

function endOf(event: Extract<AgentEvent, { kind: 'turn_ended' }>): RouterEvent[] {
  const { turn: turn_id, outcome, text, failure } = event;
  const said = outcome === 'completed' ? only('assistant', { content: text, final_answer: true }) : [];
  const wrong = outcome === 'failed' ? only('agent_error', { message: text, error_code: failure ?? null }) : [];
  return [...said, ...wrong, ...only('turn_complete', { turn_id, status: outcome })];
}
