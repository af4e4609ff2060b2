import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentPermissions, checkPermissions, isAllowed } from '../../src/kubernetes/permissions.ts';
import { resources } from '../../src/kubernetes/request.ts';
import { ApiServer, json, status } from '../fakes/api-server.ts';
import { recorded, replay } from '../fakes/recorded.ts';
import { rejection, restFor } from './support.ts';

const rulesPath = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
const accessPath = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

describe('isAllowed', () => {
  const attach = { verb: 'create', resource: resources.pods, subresource: 'attach' } as const;
  const rule = (rule: object) => [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], ...rule }];

  it('reads rules as RBAC does', () => {
    expect(isAllowed(attach, rule({}))).toBe(true);
    expect(isAllowed(attach, rule({ resources: ['pods/attach'], verbs: ['create'], apiGroups: [''] }))).toBe(true);
    expect(isAllowed(attach, rule({ resources: ['*/attach'] }))).toBe(true);
    expect(isAllowed(attach, rule({ resources: ['pods'] }))).toBe(false);
    expect(isAllowed(attach, rule({ resources: ['pods/*'] }))).toBe(false);
    expect(isAllowed(attach, rule({ verbs: ['get'] }))).toBe(false);
    expect(isAllowed(attach, rule({ apiGroups: ['apps'] }))).toBe(false);
    expect(isAllowed(attach, rule({ resourceNames: ['web'] }))).toBe(false);
    expect(isAllowed(attach, [])).toBe(false);
  });
});

describe('checkPermissions', () => {
  let server: ApiServer;
  beforeEach(async () => {
    server = await ApiServer.start();
  });
  afterEach(() => server.stop());

  const check = () => checkPermissions(restFor(server), 'shop', agentPermissions);
  const answerRules = (resourceRules: object[], incomplete = false) =>
    server.on('POST', rulesPath, (_, response) =>
      json(response, 201, { status: { resourceRules, nonResourceRules: [], incomplete } }),
    );
  const most = [
    { verbs: ['*'], apiGroups: [''], resources: ['pods', 'configmaps', 'events'] },
    { verbs: ['create'], apiGroups: [''], resources: ['pods/attach'] },
  ];

  it('asks once and is content', async () => {
    answerRules([{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]);
    await check();
    expect(server.received).toHaveLength(1);
    expect(server.received[0]?.body).toMatchObject({ spec: { namespace: 'shop' } });
  });

  it('names the one that is missing, and its rule', async () => {
    answerRules(most);
    expect(await rejection(check())).toMatchObject({
      code: 'forbidden',
      message: 'you are not allowed to get pods/attach in namespace shop',
      hint: 'a Role needs the rule: apiGroups: [""], resources: ["pods/attach"], verbs: ["get"]; the whole role: kubectl chaos rbac -n shop; an attach over a WebSocket is a GET, for which the right to create is not enough',
    });
  });

  it('names all that are missing', async () => {
    answerRules([{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods', 'events'] }]);
    expect(await rejection(check())).toMatchObject({
      message:
        'you are not allowed to create and delete pods; get and create pods/attach; create, delete and patch configmaps in namespace shop',
      hint: 'a Role in shop needs these; the whole role: kubectl chaos rbac -n shop; --agent-namespace takes another namespace for the agent pod; an attach over a WebSocket is a GET, for which the right to create is not enough',
    });
  });

  it('asks for what an incomplete answer does not list, and only for that', async () => {
    answerRules(most, true);
    server.on('POST', accessPath, (_, response) => json(response, 201, { status: { allowed: true } }));
    await check();
    expect(server.requestsTo(accessPath).map(({ body }) => body)).toMatchObject([
      {
        spec: {
          resourceAttributes: { namespace: 'shop', verb: 'get', group: '', resource: 'pods', subresource: 'attach' },
        },
      },
    ]);
    server.on('POST', accessPath, (_, response) => json(response, 201, { status: { allowed: false } }));
    expect(await rejection(check())).toMatchObject({ code: 'forbidden' });
  });

  describe('to attach, where create is not allowed and get is', () => {
    const getAlone = [...most.slice(0, 1), { verbs: ['get'], apiGroups: [''], resources: ['pods/attach'] }];
    const ofVersion = (minor: string) =>
      server.on('GET', '/version', (_, response) =>
        json(response, 200, { ...JSON.parse(recorded('version').body), minor }),
      );

    it.each(['20', '31+', '34'])('are enough for Kubernetes 1.%s', async (minor) => {
      answerRules(getAlone);
      ofVersion(minor);
      await check();
      expect(server.received.map(({ path }) => path)).toEqual([rulesPath, '/version']);
    });

    it.each(['35', '35+'])('are not enough for Kubernetes 1.%s, and the rule is named', async (minor) => {
      answerRules(getAlone);
      ofVersion(minor);
      expect(await rejection(check())).toMatchObject({
        code: 'forbidden',
        message: 'you are not allowed to create pods/attach in namespace shop',
        hint: 'a Role needs the rule: apiGroups: [""], resources: ["pods/attach"], verbs: ["create"]; the whole role: kubectl chaos rbac -n shop',
      });
    });

    it('are not enough for 1.36 as it answers', async () => {
      answerRules(getAlone);
      server.on('GET', '/version', replay('version'));
      expect(await rejection(check())).toMatchObject({ code: 'forbidden' });
    });

    it('are tried where the version cannot be read', async () => {
      answerRules(getAlone);
      server.on('GET', '/version', (_, response) => json(response, 403, status(403, 'Forbidden', 'no')));
      await check();
    });
  });

  it('believes a server that does not answer such questions', async () => {
    server.on('POST', rulesPath, (_, response) => json(response, 403, status(403, 'Forbidden', 'no')));
    await check();
  });
});
