// Requests for paths that need not be known at once: a bounded table in the zone. A step expands at most spec.pathBudget nodes for all of them
// together; a search that is not over by then goes on in the next one.
//
// Turns: every requester has one request in a round, and rounds are served one after the other. So who has a thousand requests delays
// one who has one by a single search, and answers come in the order of one requester's requests.
//
//        a: 1 2 3 4        rounds  1 1 1 2 2 3 4       a request joins the round behind its requester's last one, at the earliest
//        b: 1 2            served  a b c a b a a       the one that comes next
//        c: 1
//
// A search's scratch is derived: it may be lost to findPath, or with a restore, and is run again then as far as it was. The table is looked
// through in line: 1 to 2 ns a request of PATH_REQUESTS_MAX, at each request, search and answer.
import { fieldsRestore, fieldsValid, flowStep } from "./flow";
import { NONE, Zone, isZero } from "./layout";
import { ANSWER_POINTS, PathRequest, Paths, RequestState, pathsOf, walkerSize } from "./ways";
import { findTilePath, lineOf, searchBegin, searchRun, wayPut } from "./path";

// Status of a request.
const NOBODYS: u32 = 0;
const WAITING: u32 = 1;
const ANSWERED: u32 = 2;

// @ts-ignore: decorator
@inline
function stateOf(paths: Paths): RequestState {
  return changetype<RequestState>(paths.requests);
}

// @ts-ignore: decorator
@inline
function requestAt(paths: Paths, index: u32): PathRequest {
  return changetype<PathRequest>(paths.requests + offsetof<RequestState>() + index * <u32>offsetof<PathRequest>());
}

// @ts-ignore: decorator
@inline
function turnsOf(paths: Paths, index: u32): usize {
  return paths.turns + ((index * ANSWER_POINTS) << 2);
}

/** Asks for a shortest path, as findPath does. Gives a ticket, 0 when the table is full. O(requests). */
export function pathRequest(zone: Zone, requester: u32, x0: f64, y0: f64, x1: f64, y1: f64, halfSize: f32): u32 {
  assert(isFinite(x0) && isFinite(y0) && isFinite(x1) && isFinite(y1) && halfSize >= 0 && halfSize <= zone.walkerHalfSize);
  const paths = pathsOf(zone);
  const state = stateOf(paths);
  if (state.waiting + state.answers >= zone.pathRequests) return 0;
  let free: u32 = NONE;
  let round = state.round + 1;
  for (let i: u32 = 0; i < zone.pathRequests; i++) {
    const other = requestAt(paths, i);
    if (other.status == NOBODYS) free = min(free, i);
    else if (other.status == WAITING && other.requester == requester) round = max(round, other.round + 1);
  }
  const request = requestAt(paths, free);
  request.round = round;
  request.sequence = state.requested++;
  request.status = WAITING;
  request.ticket = <u32>(request.sequence % <u64>u32.MAX_VALUE) + 1;
  request.requester = requester;
  request.halfSize = halfSize;
  request.column = lineOf(x0, zone.tileSize, zone.width);
  request.row = lineOf(y0, zone.tileSize, zone.height);
  request.goalColumn = lineOf(x1, zone.tileSize, zone.width);
  request.goalRow = lineOf(y1, zone.tileSize, zone.height);
  state.waiting++;
  return request.ticket;
}

/** The request whose turn it is; there is one. */
function whoseTurn(zone: Zone, paths: Paths): u32 {
  let next: u32 = 0;
  let round: u64 = u64.MAX_VALUE;
  let sequence: u64 = u64.MAX_VALUE;
  for (let i: u32 = 0; i < zone.pathRequests; i++) {
    const request = requestAt(paths, i);
    if (request.status != WAITING || request.round > round) continue;
    if (request.round == round && request.sequence > sequence) continue;
    next = i;
    round = request.round;
    sequence = request.sequence;
  }
  return next;
}

/** A request is answered; the way, if there is one, is in zone.way. */
function answer(zone: Zone, paths: Paths, index: u32, cost: f64): void {
  const state = stateOf(paths);
  const request = requestAt(paths, index);
  request.status = ANSWERED;
  request.sequence = state.answered++;
  request.cost = cost;
  state.waiting--;
  state.answers++;
  if (cost < 0) return;
  request.length = zone.wayLength;
  if (zone.tilesX == 0 || zone.wayLength > ANSWER_POINTS) return;
  const turns = turnsOf(paths, index);
  for (let i: u32 = 0; i < zone.wayLength; i++) {
    const column = load<u32>(zone.way + (i << 3));
    const row = load<u32>(zone.way + (i << 3), 4);
    store<u32>(turns + (i << 2), row * zone.tilesX + column);
  }
}

/** Goes on with a request, for up to so many nodes; how many it took, at least one. */
function serve(zone: Zone, paths: Paths, index: u32, budget: u32): u32 {
  const request = requestAt(paths, index);
  stateOf(paths).round = request.round;
  if (zone.tilesX == 0) {
    const cost = findTilePath(zone, request.column, request.row, request.goalColumn, request.goalRow, request.halfSize);
    answer(zone, paths, index, cost);
    return 1;
  }
  if (paths.searcher != index) {
    const size = walkerSize(zone.tileSize, request.halfSize);
    if (!searchBegin(zone, request.column, request.row, request.goalColumn, request.goalRow, size)) {
      answer(zone, paths, index, -1);
      return 1;
    }
    paths.searcher = index;
    searchRun(zone, paths, request.expanded);
  }
  const expanded = searchRun(zone, paths, budget);
  request.expanded += expanded;
  if (paths.over != 0) {
    paths.searcher = NONE;
    answer(zone, paths, index, paths.best);
  }
  return max<u32>(expanded, 1);
}

/** A tick's share of all that is computed over several: flow fields, then requests. */
export function pathsStep(zone: Zone): void {
  flowStep(zone, zone.flowBudget);
  const paths = pathsOf(zone);
  const state = stateOf(paths);
  let budget = zone.pathBudget;
  while (budget != 0 && state.waiting != 0) budget -= serve(zone, paths, whoseTurn(zone, paths), budget);
}

/** Puts the way of an answer into zone.way; false when it has none. */
function unpackWay(zone: Zone, paths: Paths, index: u32): bool {
  const request = requestAt(paths, index);
  if (request.cost < 0) return false;
  if (zone.tilesX == 0 || request.length > ANSWER_POINTS) {
    return findTilePath(zone, request.column, request.row, request.goalColumn, request.goalRow, request.halfSize) >= 0;
  }
  const turns = turnsOf(paths, index);
  for (let i: u32 = 0; i < request.length; i++) {
    const tile = load<u32>(turns + (i << 2));
    wayPut(zone, i, tile % zone.tilesX, tile / zone.tilesX);
  }
  zone.wayLength = request.length;
  return true;
}

/** Takes the oldest answer: into paths.answerTicket, answerRequester, answerCost, and zone.way. False when there is none. O(requests). */
export function pathAnswer(zone: Zone): bool {
  const paths = pathsOf(zone);
  const state = stateOf(paths);
  if (state.answers == 0) return false;
  let index: u32 = 0;
  let sequence: u64 = u64.MAX_VALUE;
  for (let i: u32 = 0; i < zone.pathRequests; i++) {
    const request = requestAt(paths, i);
    if (request.status != ANSWERED || request.sequence > sequence) continue;
    index = i;
    sequence = request.sequence;
  }
  const request = requestAt(paths, index);
  paths.answerTicket = request.ticket;
  paths.answerRequester = request.requester;
  paths.answerCost = unpackWay(zone, paths, index) ? request.cost : -1;
  state.answers--;
  memory.fill(changetype<usize>(request), 0, offsetof<PathRequest>());
  memory.fill(turnsOf(paths, index), 0, ANSWER_POINTS << 2);
  return true;
}

// --- state

// @ts-ignore: decorator
@inline
function isLine(line: u32, count: u32, tilesX: u32): bool {
  return line == NONE || tilesX == 0 || line < count;
}

function requestValid(zone: Zone, paths: Paths, index: u32): bool {
  const request = requestAt(paths, index);
  if (request.status == NOBODYS) return isZero(changetype<usize>(request), changetype<usize>(request) + offsetof<PathRequest>());
  if (request.status == WAITING && (request.length != 0 || request.cost != 0)) return false;
  if (request.status == ANSWERED && !(request.cost == -1 ? request.length == 0 : request.length != 0)) return false;
  if (zone.tilesX != 0) {
    const turns = turnsOf(paths, index);
    for (let i: u32 = 0; i < min(request.length, ANSWER_POINTS); i++) {
      if (load<u32>(turns + (i << 2)) >= zone.tilesX * zone.tilesY) return false;
    }
  }
  return (
    request.status <= ANSWERED && request.ticket != 0 && request.cost >= -1 && request.cost <= f64.MAX_VALUE &&
    request.halfSize >= 0 && request.halfSize <= zone.walkerHalfSize &&
    isLine(request.column, zone.tilesX, zone.tilesX) && isLine(request.goalColumn, zone.tilesX, zone.tilesX) &&
    isLine(request.row, zone.tilesY, zone.tilesX) && isLine(request.goalRow, zone.tilesY, zone.tilesX)
  );
}

/** Are fields and requests what the kernel can have made? O(fields + requests). */
export function pathsValid(zone: Zone): bool {
  if (!fieldsValid(zone)) return false;
  const paths = pathsOf(zone);
  let waiting: u32 = 0;
  let answers: u32 = 0;
  for (let i: u32 = 0; i < zone.pathRequests; i++) {
    if (!requestValid(zone, paths, i)) return false;
    waiting += <u32>(requestAt(paths, i).status == WAITING);
    answers += <u32>(requestAt(paths, i).status == ANSWERED);
  }
  return waiting == stateOf(paths).waiting && answers == stateOf(paths).answers;
}

/** Builds what follows from a valid state whose planes are built; false when the state cannot have been so. Searches follow when they go on. */
export function pathsRestore(zone: Zone): bool {
  return fieldsRestore(zone);
}
