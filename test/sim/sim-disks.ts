// What befalls whole disks: one is lost for good, one is replaced by an empty one, one is put back
// to an older state; and what the operator does about it: the node is removed and, when all members
// heard of that, comes back with an empty disk of its own name.
//
// Every disk has a store id. The cluster has one on record for each name and hears no other: an
// empty disk under a known name has forgotten its votes. A disk that was put back carries the id
// that is on record, so nobody can tell it from a sound one until it is told of a commit that it
// acknowledged and does not have. That is not safe in general, and nothing could make it so; it is
// done here where the rest of the cluster holds all that the disk forgets.
import { membersOf } from '#raft/configuration.ts';
import type { Membership } from '#raft/membership.ts';
import { SimulatedDisk } from '../log/simulated-disk.ts';
import { lastIndexOf, termOn } from '../raft/memory-disk.ts';
import { emptyDatabase } from '../raft/test-node.ts';
import { SimDisk } from './sim-disk.ts';
import { crash, diskOf, isSound, type Life, runIn, type SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** The running leaders: more than one only while the older does not know. */
export const leadersOf = (world: World): SimNode[] =>
  world.nodes.filter(({ life }) => life?.node.raft.softState.role === 'leader');

/** Whether voters with sound disks are a majority of each half. */
export const hasSoundQuorum = (world: World, membership: Membership): boolean =>
  [membership.voters, membership.votersOutgoing].every((voters) => {
    const sound = voters.filter((id) => {
      const sim = world.nodeOf(id);
      return sim !== undefined && isSound(sim);
    });
    return voters.length === 0 || sound.length > Math.floor(voters.length / 2);
  });

const livesOf = (world: World): readonly Life[] =>
  world.nodes.flatMap(({ life }) => (life === undefined ? [] : [life]));

/** Every configuration that some node may still act on leaves a quorum. */
const wouldStayAvailable = (world: World, sim: SimNode): boolean => {
  const { fate } = sim;
  sim.fate = 'lost';
  const isAvailable = livesOf(world).every(({ node }) => {
    const { membership } = node.raft;
    const { voters } = membership;
    return hasSoundQuorum(world, membership) && (voters.length === 0 || voters.length > 3);
  });
  sim.fate = fate;
  return isAvailable && world.nodes.every((one) => one.life !== undefined || !isSound(one));
};

/** A node whose disk may go; before the first commit the cluster is on its creator's disk alone. */
const victimOf = (world: World): SimNode | undefined => {
  const sim = world.random.pick(world.nodes);
  const maySuffer = world.checks.commitIndex > 0 && isSound(sim);
  return maySuffer && wouldStayAvailable(world, sim) ? sim : undefined;
};

/** A disk is gone and nothing comes in its place. */
export const loseDisk = (world: World): void => {
  const sim = victimOf(world);
  if (sim === undefined) return;
  world.counts.disksLost += 1;
  crash(world, sim, 'its disk is lost');
  sim.fate = 'lost';
};

const putEmptyDisk = (world: World, sim: SimNode): void => {
  sim.disk = new SimDisk(new SimulatedDisk(), world.diskOptions);
  sim.checkpoint = emptyDatabase;
  sim.images.clear();
  sim.backup = undefined;
  sim.storeId += 1;
};

/** A disk is gone and its node comes back with an empty one, as if nothing had happened. */
export const replaceDisk = (world: World): void => {
  const sim = victimOf(world);
  if (sim === undefined) return;
  world.counts.disksReplaced += 1;
  crash(world, sim, 'its disk is replaced');
  sim.acknowledged = sim.disk.durable;
  putEmptyDisk(world, sim);
  if (world.hearsEveryDisk) sim.storeOnRecord = sim.storeId;
  sim.fate = 'replaced';
};

/** A copy of a disk, as of a backup of the whole machine. */
export const backUp = (world: World): void => {
  const sim = world.random.pick(world.nodes);
  if (sim.life === undefined || !isSound(sim)) return;
  const { checkpoint, disk } = sim;
  sim.backup = { files: disk.files.copy(), checkpoint, images: new Map(sim.images) };
};

/** Whether all that a follower ever acknowledged is held by a majority without it. */
const isHeldByOthers = (world: World, sim: SimNode): boolean => {
  const index = lastIndexOf(sim.disk.durable);
  const term = termOn(sim.disk.durable, index);
  const holds = (id: string): boolean => {
    const other = world.nodes.find((one) => one.id === id);
    if (other === undefined || other === sim) return false;
    const contents = diskOf(other);
    return contents.trimmedIndex >= index || termOn(contents, index) === term;
  };
  return livesOf(world).every(({ node }) =>
    [node.raft.membership.voters, node.raft.membership.votersOutgoing].every(
      (voters) => voters.length === 0 || voters.filter(holds).length > voters.length / 2,
    ),
  );
};

/** A follower's disk is put back to its backup, of the same term and vote. */
export const rollBackDisk = (world: World): void => {
  const sim = victimOf(world);
  const { backup, life } = sim ?? {};
  if (sim === undefined || backup === undefined || life === undefined) return;
  const leads = life.node.raft.softState.role === 'leader';
  if (leads || life.node.disk.unsynced.length > 0 || !isHeldByOthers(world, sim)) return;
  const before = sim.disk.durable;
  const disk = new SimDisk(backup.files.copy(), world.diskOptions);
  const { term, votedFor } = disk.durable.hardState;
  // Else it could vote a second time, and then nothing holds.
  if (term !== before.hardState.term || votedFor !== before.hardState.votedFor) return;
  if (lastIndexOf(disk.durable) >= lastIndexOf(before)) return;
  world.counts.disksRolledBack += 1;
  crash(world, sim, `its disk is put back to ${lastIndexOf(disk.durable)}`);
  sim.disk = disk;
  sim.checkpoint = backup.checkpoint;
  sim.images.clear();
  for (const [index, image] of backup.images) sim.images.set(index, image);
  sim.fate = 'rolled-back';
};

/** The operator removes a node with such a disk, and lets it join anew when all heard of that. */
export const tendDisks = (world: World): void => {
  for (const sim of world.nodes) {
    if (sim.fate !== 'replaced' && sim.fate !== 'rolled-back') continue;
    const [leader, ...others] = leadersOf(world);
    if (leader?.life === undefined || others.length > 0 || leader === sim) continue;
    const { raft, database } = leader.life.node;
    const isCommitted = !membersOf(database.membership).includes(sim.id);
    const members = membersOf(raft.membership);
    if (members.includes(sim.id)) remove(world, leader, sim);
    else if (isCommitted && members.every((id) => hasForgotten(world, id, sim))) admit(world, sim);
  }
};

const hasForgotten = (world: World, id: SimNode['id'], sim: SimNode): boolean => {
  const membership = world.nodeOf(id)?.life?.node.raft.membership;
  if (membership === undefined || membership.voters.length === 0) return false;
  return !membersOf(membership).includes(sim.id);
};

const remove = (world: World, leader: SimNode, sim: SimNode): void => {
  runIn(world, leader, ({ node }) => {
    const { membership } = node.raft;
    const voters = membership.voters.filter((id) => id !== sim.id);
    if (voters.length === 0 || !hasSoundQuorum(world, { ...membership, voters })) return;
    const change = { kind: 'remove', node: sim.id } as const;
    const proposed = node.raft.proposeConfiguration([change], new Uint8Array(0));
    if (proposed.kind === 'accepted') world.counts.configurations += 1;
  });
};

const admit = (world: World, sim: SimNode): void => {
  world.counts.disksAdmitted += 1;
  if (sim.fate === 'rolled-back') {
    crash(world, sim, 'it joins anew');
    putEmptyDisk(world, sim);
  }
  world.trace(() => `${sim.id} is heard again, with an empty disk`);
  sim.storeOnRecord = sim.storeId;
  sim.acknowledged = undefined;
  sim.fate = 'sound';
};
