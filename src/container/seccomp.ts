/** The `linux.seccomp` part of an OCI runtime spec. */
export interface SeccompProfile {
  defaultAction: string
  defaultErrnoRet?: number
  architectures: string[]
  syscalls: SeccompRule[]
}

interface SeccompRule {
  names: readonly string[]
  action: string
  errnoRet?: number
  args?: { index: number; value: number; valueTwo?: number; op: string }[]
}

const ENOSYS = 38
const EPERM = 1
const AF_VSOCK = 40
// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
const NAMESPACE_FLAGS = [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]

/** Calls that every container may make: what programs need, without those that reach the host's kernel state. */
const ALLOWED = `
accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime
clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64
close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat
faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat
fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs
fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat
getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer
getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit
get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr
getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents
io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule
landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr
listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier
memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt mprotect
mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink
mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat
_newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll
ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev
pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom
recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall
riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam
sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64
sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop
semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32
setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32
setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address
setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask
sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync
sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime
timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat
utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev arch_prctl`

/** Further calls that come with a capability. */
const WITH_CAPABILITY: Record<string, string> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr
    move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2
    unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
}

/** Calls that no container may make: they reach the host's kernel, or are long gone from it. */
const DENIED = `
_sysctl add_key afs_syscall create_module get_kernel_syms getpmsg io_uring_enter io_uring_register io_uring_setup
kexec_file_load kexec_load keyctl migrate_pages move_pages nfsservctl pivot_root putpmsg query_module request_key
security swapoff swapon sysfs tuxcall uselib userfaultfd ustat vserver`

// Execution domains that programs ask for: PER_LINUX, PER_LINUX32, UNAME26, their combination, and "query".
const PERSONALITIES = [0x0, 0x0008, 0x20000, 0x20008, 0xffffffff]

const words = (text: string): string[] => text.trim().split(/\s+/)
const allow = (names: readonly string[], args?: SeccompRule['args']): SeccompRule =>
  args ? { names, action: 'SCMP_ACT_ALLOW', args } : { names, action: 'SCMP_ACT_ALLOW' }
const deny = (names: readonly string[], args: SeccompRule['args'] = []): SeccompRule => ({
  names,
  action: 'SCMP_ACT_ERRNO',
  errnoRet: EPERM,
  args,
})

/**
 * The filter a container runs under. Equal in effect to Docker's default profile (moby/profiles, seccomp) for the
 * capabilities given: known calls outside of the list fail with EPERM; calls that are newer than the seccomp library,
 * whose names it does not know, fail with ENOSYS, so that programs take the older way.
 */
export function seccompProfile(capabilities: readonly string[]): SeccompProfile {
  const has = (capability: string): boolean => capabilities.includes(capability)
  const extra = Object.entries(WITH_CAPABILITY).flatMap(([capability, names]) => (has(capability) ? words(names) : []))
  const allowed = new Set([...words(ALLOWED), ...extra])
  const known = [...words(DENIED), ...Object.values(WITH_CAPABILITY).flatMap(words)]
  const denied = new Set(known.filter((name) => !allowed.has(name) && !DECIDED_BY_ARGUMENTS.includes(name)))
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: architectures(),
    syscalls: [
      allow([...allowed]),
      deny([...denied]),
      ...PERSONALITIES.map((value) => allow(['personality'], [{ index: 0, value, op: 'SCMP_CMP_EQ' }])),
      // virtual-machine sockets reach the hypervisor, not the container's network
      allow(['socket'], [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }]),
      deny(['socket'], [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_EQ' }]),
      ...(has('CAP_SYS_ADMIN') ? [] : withoutNamespaces()),
    ],
  }
}

const DECIDED_BY_ARGUMENTS = ['clone', 'clone3']

/** New namespaces are closed to a container without CAP_SYS_ADMIN; threads and processes are not. */
function withoutNamespaces(): SeccompRule[] {
  const all = NAMESPACE_FLAGS.reduce((sum, flag) => sum + flag)
  return [
    allow(['clone'], [{ index: 0, value: all, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]),
    ...NAMESPACE_FLAGS.map((flag) =>
      deny(['clone'], [{ index: 0, value: flag, valueTwo: flag, op: 'SCMP_CMP_MASKED_EQ' }]),
    ),
    // clone3 hides its flags behind a pointer; ENOSYS makes the C library fall back to clone
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ]
}

function architectures(): string[] {
  const known: Partial<Record<NodeJS.Architecture, string[]>> = {
    x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  }
  return known[process.arch] ?? []
}
