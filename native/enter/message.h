#ifndef NSEXEC_MESSAGE_H
#define NSEXEC_MESSAGE_H

#include <stdint.h>

/** What the processes of the tree tell each other: whole messages over SOCK_SEQPACKET, so there is nothing to frame. */
enum message_kind {
    MESSAGE_NONE,
    MESSAGE_INIT,       /**< init → supervisor: the nested pid namespace exists, and I die with you; shim → guardian, with its pidfd: to be killed too */
    MESSAGE_WORKLOAD,   /**< keeper → supervisor, with the workload's pid in `value` */
    MESSAGE_READY,      /**< workload → supervisor: everything entered, nothing executed yet */
    MESSAGE_GO,         /**< supervisor → nester, keeper, workload: go on */
    MESSAGE_GOES_ON,    /**< workload of a dynamic program → supervisor: the last step is done */
    MESSAGE_PATH,       /**< who looked at --path → supervisor, with the directory and perhaps a file */
    MESSAGE_TOOLS,      /**< who made the root of the tools → supervisor, with its mount namespace */
    MESSAGE_ON_GUARD,   /**< guardian → shim */
    MESSAGE_INSIDE,     /**< the same of one that could not leave the agent's cgroup */
    MESSAGE_DIRECTORY,  /**< shim → guardian, with the directory that is on its list; or who made it → shim */
    MESSAGE_LINKS,      /**< who looked into the target's network → shim, with a socket that hears of its links, or without one */
    MESSAGE_PULSE,      /**< shim → guardian, every second: I am at work */
    MESSAGE_ACTIVE,     /**< shim → guardian: the deadline counts from now */
    MESSAGE_LIST,       /**< who has looked into the target's IPC namespace → shim, with the list that is `value` of enum ipc_list */
    MESSAGE_DISMISSED,  /**< shim → guardian: everything is undone */
    MESSAGE_FAILED,     /**< any child → supervisor: `step` failed with errno `value` */
};

/** The step of a child that failed; the supervisor finds the words. */
enum step {
    STEP_NONE,
    STEP_SETNS, /**< STEP_SETNS + index of the namespace, as in namespaces.h */
    STEP_FORK = 16,
    STEP_NEWPID,
    STEP_NESTED,
    STEP_TOOLS,
    STEP_HARMLESS,
    STEP_DESCRIPTORS,
    STEP_ROOT,
    STEP_SCRATCH,
    STEP_GROUPS,
    STEP_GID,
    STEP_UID,
    STEP_CAPABILITIES,
    STEP_BOUNDING,
    STEP_AMBIENT,
    STEP_NO_NEW_PRIVS,
    STEP_PROFILE,
    STEP_OWN_FILTER,
    STEP_FILTER,
    STEP_WORKLOAD,
    STEP_PLAN,
    STEP_EXEC,
    STEP_PLACE = 64, /**< STEP_PLACE + index of the hierarchy */
};

struct message {
    uint32_t kind;
    int32_t step;
    int32_t value;
};

#endif
