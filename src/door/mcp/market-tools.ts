/** Tools of the market. Those that AgentChat has bear its names, too, with the same arguments. */
import { z } from 'zod';
import { INPUT } from '../market/desk.ts';
import { toolsOf } from './tool.ts';

const mine = z.object({});

export const MARKET_INPUTS = {
  skills_register: INPUT.register,
  skills_search: INPUT.search,
  proposal_make: INPUT.propose,
  proposal_accept: INPUT.accept,
  proposal_reject: INPUT.reject,
  proposal_complete: INPUT.complete,
  proposal_dispute: INPUT.dispute,
  proposals_list: INPUT.list,
  rating_get: INPUT.rating,
  ratings_list: INPUT.leaderboard,
  agentchat_register_skills: INPUT.register,
  agentchat_search_skills: INPUT.search,
  agentchat_propose: INPUT.propose,
  agentchat_accept: INPUT.accept,
  agentchat_reject: INPUT.reject,
  agentchat_complete: INPUT.complete,
  agentchat_dispute: INPUT.dispute,
  agentchat_get_rating: INPUT.rating,
  agentchat_my_rating: mine,
  agentchat_leaderboard: INPUT.leaderboard,
};

const tool = toolsOf(MARKET_INPUTS);

export const MARKET_TOOLS = [
  tool('skills_register', 'Register skills', 'Say what you can do, for others who look for somebody.'),
  tool('skills_search', 'Search skills', 'Who can do something, best rated first.', true),
  tool(
    'proposal_make',
    'Propose work',
    'Offer to pay another agent for work, or offer a task of skep by its task_id to whoever wins it. The answer comes as a message.',
  ),
  tool('proposal_accept', 'Accept a proposal', 'Take the work that a proposal to you offers.'),
  tool('proposal_reject', 'Reject a proposal', 'Decline a proposal to you.'),
  tool(
    'proposal_complete',
    'Complete a deal',
    'Of the payer: confirm that the work is done. Of the worker: say so; it is completed when the payer confirms, or the merge of the task you name shows it.',
  ),
  tool('proposal_dispute', 'Dispute a deal', 'Put an accepted deal before the operator, who decides who is at fault.'),
  tool('proposals_list', 'List proposals', 'Proposals and deals of the swarm, newest first.', true),
  tool('rating_get', 'Look up a rating', 'The rating of one agent, overall and by skill.', true),
  tool('ratings_list', 'List ratings', 'Who is rated best, overall or in one capability.', true),
  tool('agentchat_register_skills', 'Register skills', 'As skills_register.'),
  tool('agentchat_search_skills', 'Search skills', 'As skills_search.', true),
  tool('agentchat_propose', 'Propose work', 'As proposal_make.'),
  tool('agentchat_accept', 'Accept a proposal', 'As proposal_accept.'),
  tool('agentchat_reject', 'Reject a proposal', 'As proposal_reject.'),
  tool('agentchat_complete', 'Complete a deal', 'As proposal_complete.'),
  tool('agentchat_dispute', 'Dispute a deal', 'As proposal_dispute.'),
  tool('agentchat_get_rating', 'Look up a rating', 'As rating_get.', true),
  tool('agentchat_my_rating', 'Look up your rating', 'Your own rating, overall and by skill.', true),
  tool('agentchat_leaderboard', 'List ratings', 'As ratings_list.', true),
];
