import type { V1Container, V1Pod, V1Volume } from '@kubernetes/client-node';
import type { Volume } from '../ports.ts';
import { parseQuantity } from '../units.ts';
import { containerNamed } from './containers.ts';

/** Mounted for reading whatever the mount says: https://kubernetes.io/docs/concepts/storage/projected-volumes/ */
const alwaysReadOnly = ['configMap', 'secret', 'projected', 'downwardAPI', 'image'];

/** Where a container has what of its pod's volumes: its own root first, then as in its spec. Pure. */
export function volumesOf(pod: V1Pod, name: string): Volume[] {
  const spec = containerNamed(pod, name)?.spec;
  return [
    {
      ...{ kind: 'root', name: '', mountPath: '/' },
      readOnly: spec?.securityContext?.readOnlyRootFilesystem === true,
    },
    ...mounts(spec).map((mount) => volumeOf(pod, mount)),
  ];
}

interface Mount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
  subPath?: string;
}

/** A block device is no directory, and named as what it is all the same. */
function mounts(spec: V1Container | undefined): Mount[] {
  const devices = (spec?.volumeDevices ?? []).map(({ name, devicePath }) => ({ name, mountPath: devicePath }));
  return [...(spec?.volumeMounts ?? []), ...devices];
}

function volumeOf(pod: V1Pod, mount: Mount): Volume {
  const volume = pod.spec?.volumes?.find(({ name }) => name === mount.name);
  const kind = kindOf(volume);
  const detail = volume && detailOf(volume, pod, mount);
  const readOnly =
    mount.readOnly === true || volume?.persistentVolumeClaim?.readOnly === true || alwaysReadOnly.includes(kind);
  const sizeLimitBytes = volume?.emptyDir?.sizeLimit && parseQuantity(volume.emptyDir.sizeLimit);
  return {
    ...{ kind, name: mount.name, mountPath: mount.mountPath, readOnly },
    ...(detail ? { detail } : {}),
    ...(sizeLimitBytes ? { sizeLimitBytes } : {}),
  };
}

/** A volume has its name and one other field, whose name says what it is. */
function kindOf(volume: V1Volume | undefined): string {
  const fields = Object.entries(volume ?? {}).filter(([name, value]) => name !== 'name' && value);
  return fields[0]?.[0] ?? 'volume';
}

function detailOf(volume: V1Volume, pod: V1Pod, { subPath }: Mount): string | undefined {
  const { hostPath, nfs, ephemeral } = volume;
  if (hostPath) return subPath ? `${hostPath.path.replace(/\/$/, '')}/${subPath}` : hostPath.path;
  if (nfs) return `${nfs.server}:${nfs.path}`;
  // https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#persistentvolumeclaim-naming
  if (ephemeral) return `${pod.metadata?.name}-${volume.name}`;
  return (
    volume.persistentVolumeClaim?.claimName ??
    volume.emptyDir?.medium ??
    volume.configMap?.name ??
    volume.secret?.secretName ??
    volume.csi?.driver
  );
}
