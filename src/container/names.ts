import { randomInt } from 'node:crypto'

const MOODS =
  `agile amber ample ardent brave breezy bright brisk calm candid cheery clever cosy crisp curious daring deft
eager earnest easy fair fearless festive fleet fond frank fresh gallant gentle glad golden graceful grand happy hardy hearty
humble jolly keen kind lively loyal lucid lucky mellow merry mighty modest neat nimble noble patient placid plucky polite
prime proud quick quiet rapid ready robust serene sharp shiny silent sincere sleek smooth snug sober solid spry stable steady
sturdy sunny swift tidy tender trusty upbeat valiant vivid warm wise witty zesty`.split(/\s+/)

const SHIPWRIGHTS =
  `anchor argosy barge barque beacon bosun bowsprit brig buoy cabin caravel catboat clipper coracle corvette
cutter davit deck dhow dinghy dory felucca ferry frigate galleon galley gig gunwale halyard harbour hawser helm hull jetty jib
junk kayak keel ketch lagoon lateen launch lighter lugger mainsail mast mizzen mooring oar packet pennant pier pilot pinnace
porthole prow punt quay raft rigging rudder sampan schooner scow sextant shallop skiff sloop spar spinnaker stern tender tiller
topsail trawler trimaran tug whaler wharf wherry windlass xebec yard yawl`.split(/\s+/)

/** A name for a container that was given none: two words, and a digit from the second try on. */
export function randomName(attempt = 0): string {
  const pick = (words: string[]): string => words[randomInt(words.length)]!
  return `${pick(MOODS)}_${pick(SHIPWRIGHTS)}${attempt > 0 ? randomInt(10) : ''}`
}
