// What a newcomer must set as its cluster does: read from the record that came with its admission.
import { settingsIn } from '#db/cluster-settings.ts';

/** Whether the cluster of this record enforces foreign keys. */
export const foreignKeysIn = (clusterRecord: Uint8Array): boolean =>
  settingsIn(clusterRecord)?.foreignKeys ?? false;
