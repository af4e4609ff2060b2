import type { V1Container, V1Volume } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { volumesOf } from '../../src/kubernetes/volumes.ts';
import { runningPod, withOthers } from './objects.ts';

/** What container app has, besides its root. */
function mounted(volumes: V1Volume[], app: Partial<V1Container>) {
  const pod = runningPod(({ spec }) => {
    spec.volumes = volumes;
    Object.assign(spec.containers[0] as V1Container, app);
  });
  return volumesOf(pod, 'app').slice(1);
}

const at = (mount: Partial<NonNullable<V1Container['volumeMounts']>[number]> = {}): Partial<V1Container> => ({
  volumeMounts: [{ name: 'data', mountPath: '/data', ...mount }],
});

describe('volumesOf', () => {
  it('begins with the root, which may be for reading only', () => {
    const root = { kind: 'root', name: '', mountPath: '/', readOnly: false };
    expect(volumesOf(runningPod(), 'app')).toEqual([root]);
    const pod = runningPod(({ spec }) => {
      Object.assign(spec.containers[0] as V1Container, { securityContext: { readOnlyRootFilesystem: true } });
    });
    expect(volumesOf(pod, 'app')).toEqual([{ ...root, readOnly: true }]);
    expect(volumesOf(pod, 'proxy')).toEqual([root]);
  });

  it('knows those of a sidecar', () => {
    const pod = runningPod((change) => {
      withOthers(change);
      change.spec.volumes = [{ name: 'certs', secret: { secretName: 'mesh' } }];
    });
    expect(volumesOf(pod, 'mesh').slice(1)).toMatchObject([{ kind: 'secret', detail: 'mesh', mountPath: '/certs' }]);
    expect(volumesOf(pod, 'debug')).toHaveLength(1);
  });

  it.each<[kind: string, source: Omit<V1Volume, 'name'>, detail: string | undefined]>([
    ['persistentVolumeClaim', { persistentVolumeClaim: { claimName: 'data-db-0' } }, 'data-db-0'],
    ['emptyDir', { emptyDir: {} }, undefined],
    ['emptyDir', { emptyDir: { medium: 'Memory' } }, 'Memory'],
    ['hostPath', { hostPath: { path: '/var/log' } }, '/var/log'],
    ['ephemeral', { ephemeral: {} }, 'web-data'],
    ['nfs', { nfs: { server: 'nas', path: '/export' } }, 'nas:/export'],
    ['csi', { csi: { driver: 'disk.example.com' } }, 'disk.example.com'],
    ['iscsi', { iscsi: { iqn: 'x', lun: 0, targetPortal: 'y' } }, undefined],
  ])('knows %s %j by its %s', (kind, source, detail) => {
    expect(mounted([{ name: 'data', ...source }], at())).toEqual([
      { kind, name: 'data', mountPath: '/data', readOnly: false, ...(detail === undefined ? {} : { detail }) },
    ]);
  });

  it.each<[string, Omit<V1Volume, 'name'>, string | undefined]>([
    ['configMap', { configMap: { name: 'settings' } }, 'settings'],
    ['secret', { secret: { secretName: 'keys' } }, 'keys'],
    ['projected', { projected: { sources: [] } }, undefined],
    ['downwardAPI', { downwardAPI: {} }, undefined],
  ])('%s is for reading only, whatever the mount says', (kind, source, detail) => {
    expect(mounted([{ name: 'data', ...source }], at())[0]).toMatchObject({
      ...{ kind, readOnly: true },
      ...(detail === undefined ? {} : { detail }),
    });
  });

  it('knows how much the kubelet lets be in an emptyDir', () => {
    const [volume] = mounted([{ name: 'data', emptyDir: { sizeLimit: '1Gi' } }], at());
    expect(volume?.sizeLimitBytes).toBe(2 ** 30);
    expect(mounted([{ name: 'data', emptyDir: {} }], at())[0]).not.toHaveProperty('sizeLimitBytes');
  });

  it('is for reading only by the mount, or by the claim', () => {
    const claim = { claimName: 'data-db-0' };
    expect(mounted([{ name: 'data', persistentVolumeClaim: claim }], at({ readOnly: true }))[0]?.readOnly).toBe(true);
    const source = { persistentVolumeClaim: { ...claim, readOnly: true } };
    expect(mounted([{ name: 'data', ...source }], at())[0]?.readOnly).toBe(true);
  });

  it('names the directory of the host that a part of a hostPath is', () => {
    const volumes = [{ name: 'data', hostPath: { path: '/srv/' } }];
    expect(mounted(volumes, at({ subPath: 'db/0' }))[0]?.detail).toBe('/srv/db/0');
  });

  it('has each mount of a volume, and block devices', () => {
    const app = {
      volumeMounts: [
        { name: 'data', mountPath: '/a', subPath: 'a' },
        { name: 'data', mountPath: '/b', subPath: 'b', readOnly: true },
      ],
      volumeDevices: [{ name: 'raw', devicePath: '/dev/raw' }],
    };
    const claims = ['data', 'raw'].map((name) => ({ name, persistentVolumeClaim: { claimName: `${name}-0` } }));
    expect(mounted(claims, app).map(({ mountPath, detail, readOnly }) => [mountPath, detail, readOnly])).toEqual([
      ['/a', 'data-0', false],
      ['/b', 'data-0', true],
      ['/dev/raw', 'raw-0', false],
    ]);
  });

  it('does not stumble over a mount of a volume that the pod does not have', () => {
    expect(mounted([], at())).toEqual([{ kind: 'volume', name: 'data', mountPath: '/data', readOnly: false }]);
  });
});
