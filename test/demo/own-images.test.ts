import { describe, expect, it } from 'vitest';
import { imagesOf, pauseImage, toolsImage } from './own-images.ts';

const facts = { named: undefined, version: '1.2.3', images: [], canLoad: true };
const ours = 'localhost/kubectl-chaos/tools:1.2.3';

describe('the tools image on a cluster of the user', () => {
  it('is the one that is named', () => {
    expect(toolsImage({ ...facts, named: 'registry.example.org/tools:1' })).toEqual({
      image: 'registry.example.org/tools:1',
    });
  });

  it('is ours, made and loaded only when the nodes do not have it', () => {
    expect(toolsImage({ ...facts, images: [['other'], [ours]], canLoad: false })).toEqual({ image: ours });
    expect(toolsImage(facts)).toMatchObject({ image: ours, build: expect.arrayContaining(['docker', ours]) });
  });

  it('is nowhere to be had', () => {
    expect(toolsImage({ ...facts, canLoad: false })).toBeUndefined();
  });
});

describe('the target of the demo', () => {
  it.each([
    ['registry.k8s.io/pause:3.9', [['registry.k8s.io/pause@sha256:00', 'registry.k8s.io/pause:3.9']]],
    ['docker.io/rancher/mirrored-pause:3.6', [['x:1'], ['docker.io/rancher/mirrored-pause:3.6']]],
    ['registry.k8s.io/pause:3.10', [['docker.io/library/nopause:1']]],
  ])('runs %s', (image, images) => {
    expect(pauseImage(images)).toBe(image);
  });

  it('nodes may say nothing of their images', () => {
    expect(imagesOf({ items: [{}, { status: { images: [{ names: null }, { names: ['a'] }] } }] })).toEqual([[], ['a']]);
    expect(imagesOf({})).toEqual([]);
  });
});
