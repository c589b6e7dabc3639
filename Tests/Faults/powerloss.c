// Power loss, as a library to be preloaded: it keeps beside the data folder a shadow of what has been synced, and only of that.
//
//   POWERLOSS_ROOT    the data folder (absolute, no trailing slash)
//   POWERLOSS_SHADOW  the shadow: inodes/N holds the synced bytes of the file with inode N; tree/ holds the synced names,
//                          as hard links to those
//   POWERLOSS_IGNORE  a part of a path whose syncs are not carried out, for showing that the test notices a missing one
//
// After a kill -9 the shadow's tree is what a disk would hold whose power went: every write that no fsync or fdatasync of the file
// covered is gone, and so is every name that neither a sync of the file (which, as on ext4, makes the file's own entry durable) nor
// a sync of the folder covered. The tree is then put in the place of the data folder, and the boxes are started on it.
//
// Calls are observed by inode, so that no descriptor needs to be followed: fstat(2) at each write tells which file it was. Ranges
// written since the last sync are kept for each inode, and copied at the sync. Mapped writes are not seen; only SQLite's -shm file,
// which it makes anew after a crash, is mapped. sync_file_range(2) promises nothing and is passed on.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define BUCKETS 4096

typedef struct range { off_t from, to; struct range *next; } range;

typedef struct file {
    ino_t inode;
    dev_t device;
    range *dirty;
    struct file *next;
} file;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static file *files[BUCKETS];
static const char *root, *shadow, *ignored;
static size_t root_length;
static __thread int inside;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_rename)(const char *, const char *);
static int (*real_renameat)(int, const char *, int, const char *);

__attribute__((constructor)) static void begin(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_writev = dlsym(RTLD_NEXT, "writev");
    real_pwritev = dlsym(RTLD_NEXT, "pwritev");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_renameat = dlsym(RTLD_NEXT, "renameat");
    root = getenv("POWERLOSS_ROOT");
    shadow = getenv("POWERLOSS_SHADOW");
    ignored = getenv("POWERLOSS_IGNORE");
    if (root && (!shadow || root[0] != '/')) {
        fprintf(stderr, "powerloss: POWERLOSS_SHADOW is missing or POWERLOSS_ROOT is not absolute\n");
        abort();
    }
    if (root) root_length = strlen(root);
}

static void failed(const char *what, const char *path) {
    fprintf(stderr, "powerloss: %s %s: %s\n", what, path, strerror(errno));
    abort();
}

// Whether the descriptor is of a file or folder below the root; its path, as it is now, goes into `path`.
static int watched(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

static file **bucket(ino_t inode) { return &files[inode % BUCKETS]; }

static file *find(const struct stat *status, int make) {
    for (file *f = *bucket(status->st_ino); f; f = f->next)
        if (f->inode == status->st_ino && f->device == status->st_dev) return f;
    if (!make) return NULL;
    file *f = calloc(1, sizeof *f);
    f->inode = status->st_ino;
    f->device = status->st_dev;
    f->next = *bucket(f->inode);
    *bucket(f->inode) = f;
    return f;
}

static void inode_path(char *path, ino_t inode) { snprintf(path, PATH_MAX, "%s/inodes/%llu", shadow, (unsigned long long)inode); }

static void add_range(file *f, off_t from, off_t to) {
    range **at = &f->dirty;
    while (*at && (*at)->to < from) at = &(*at)->next;
    if (*at && (*at)->from <= to) {
        range *r = *at;
        if (from < r->from) r->from = from;
        if (to > r->to) r->to = to;
        while (r->next && r->next->from <= r->to) {
            range *gone = r->next;
            if (gone->to > r->to) r->to = gone->to;
            r->next = gone->next;
            free(gone);
        }
        return;
    }
    range *r = malloc(sizeof *r);
    r->from = from;
    r->to = to;
    r->next = *at;
    *at = r;
}

static void wrote(int fd, off_t from, ssize_t count) {
    struct stat status;
    char path[PATH_MAX];
    if (!root || inside || count <= 0) return;
    int kept = errno;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        pthread_mutex_lock(&lock);
        file *f = find(&status, 0);
        if (!f && watched(fd, path)) f = find(&status, 1);
        if (f) {
            // Without an offset the write has moved the descriptor's own; with O_APPEND it moved to the end.
            if (from < 0) from = lseek(fd, 0, SEEK_CUR) - count;
            add_range(f, from, from + count);
        }
        pthread_mutex_unlock(&lock);
    }
    errno = kept;
}

static void make_parents(char *path) {
    for (char *at = path + strlen(shadow) + 1; *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        if (mkdir(path, 0755) != 0 && errno != EEXIST) failed("mkdir", path);
        *at = '/';
    }
}

static void tree_path(char *out, const char *path) { snprintf(out, PATH_MAX, "%s/tree%s", shadow, path + root_length); }

// Makes tree/<path> the synced bytes of this inode; an inode that has never been synced is there with no bytes.
static void link_name(const char *path, ino_t inode) {
    char name[PATH_MAX], bytes[PATH_MAX];
    struct stat there, wanted;
    tree_path(name, path);
    inode_path(bytes, inode);
    if (stat(bytes, &wanted) != 0) {
        int fd = open(bytes, O_WRONLY | O_CREAT, 0644);
        if (fd < 0) failed("open", bytes);
        close(fd);
        stat(bytes, &wanted);
    }
    if (lstat(name, &there) == 0) {
        if (there.st_ino == wanted.st_ino) return;
        real_unlink(name);
    }
    make_parents(name);
    if (link(bytes, name) != 0 && errno != EEXIST) failed("link", name);
}

static void sync_file(int fd, const struct stat *status, const char *path) {
    char bytes[PATH_MAX];
    static char buffer[1 << 16];
    inode_path(bytes, status->st_ino);
    int out = open(bytes, O_WRONLY | O_CREAT, 0644);
    if (out < 0) failed("open", bytes);
    // The descriptor may be write-only: the bytes are read through another one.
    char again[64];
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    int in = open(again, O_RDONLY);
    if (in < 0) failed("open", path);
    file *f = find(status, 1);
    while (f->dirty) {
        range *r = f->dirty;
        for (off_t at = r->from; at < r->to;) {
            size_t want = r->to - at < (off_t)sizeof buffer ? (size_t)(r->to - at) : sizeof buffer;
            ssize_t got = pread(in, buffer, want, at);
            if (got <= 0) break;
            if (real_pwrite(out, buffer, got, at) != got) failed("write", bytes);
            at += got;
        }
        f->dirty = r->next;
        free(r);
    }
    if (ftruncate(out, status->st_size) != 0) failed("ftruncate", bytes);
    close(in);
    close(out);
    if (!strstr(path, " (deleted)")) link_name(path, status->st_ino);
}

static void remove_tree(const char *path) {
    struct stat status;
    if (lstat(path, &status) != 0) return;
    if (S_ISDIR(status.st_mode)) {
        DIR *folder = opendir(path);
        struct dirent *entry;
        while (folder && (entry = readdir(folder))) {
            char inner[PATH_MAX * 2];
            if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            remove_tree(inner);
        }
        if (folder) closedir(folder);
        rmdir(path);
    } else {
        real_unlink(path);
    }
}

// The folder's names become durable as they stand: new ones appear, gone ones go.
static void sync_folder(const char *path) {
    char name[PATH_MAX], inner[PATH_MAX * 2];
    struct stat status;
    struct dirent *entry;
    tree_path(name, path);
    snprintf(inner, sizeof inner, "%s/", name);
    make_parents(inner);
    DIR *folder = opendir(path);
    if (!folder) return;
    while ((entry = readdir(folder))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (lstat(inner, &status) != 0) continue;
        if (S_ISREG(status.st_mode)) link_name(inner, status.st_ino);
        if (S_ISDIR(status.st_mode)) {
            char made[PATH_MAX];
            tree_path(made, inner);
            if (mkdir(made, 0755) != 0 && errno != EEXIST) failed("mkdir", made);
        }
    }
    closedir(folder);
    folder = opendir(name);
    while (folder && (entry = readdir(folder))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (lstat(inner, &status) == 0) continue;
        snprintf(inner, sizeof inner, "%s/%s", name, entry->d_name);
        remove_tree(inner);
    }
    if (folder) closedir(folder);
}

static void synced(int fd) {
    struct stat status;
    char path[PATH_MAX];
    if (!root || inside) return;
    int kept = errno;
    inside = 1;
    pthread_mutex_lock(&lock);
    if (fstat(fd, &status) == 0 && watched(fd, path) && !(ignored && *ignored && strstr(path, ignored))) {
        if (S_ISREG(status.st_mode)) sync_file(fd, &status, path);
        if (S_ISDIR(status.st_mode)) sync_folder(path);
    }
    pthread_mutex_unlock(&lock);
    inside = 0;
    errno = kept;
}

// Forgets an inode whose last name goes: the number may come back as another file, whose bytes begin unsynced.
static void forget(int folder, const char *path) {
    struct stat status;
    char bytes[PATH_MAX];
    if (!root || inside) return;
    int kept = errno;
    if (fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1) {
        pthread_mutex_lock(&lock);
        for (file **at = bucket(status.st_ino); *at; at = &(*at)->next) {
            file *f = *at;
            if (f->inode != status.st_ino || f->device != status.st_dev) continue;
            *at = f->next;
            while (f->dirty) {
                range *r = f->dirty;
                f->dirty = r->next;
                free(r);
            }
            free(f);
            break;
        }
        inode_path(bytes, status.st_ino);
        real_unlink(bytes);
        pthread_mutex_unlock(&lock);
    }
    errno = kept;
}

static off_t total(const struct iovec *parts, int count) {
    off_t sum = 0;
    for (int i = 0; i < count; i++) sum += parts[i].iov_len;
    return sum;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    ssize_t done = real_write(fd, bytes, count);
    wrote(fd, -1, done);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    ssize_t done = real_pwrite(fd, bytes, count, offset);
    wrote(fd, offset, done);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) { return pwrite(fd, bytes, count, offset); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    ssize_t done = real_writev(fd, parts, count);
    wrote(fd, -1, done);
    return done;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    ssize_t done = real_pwritev(fd, parts, count, offset);
    wrote(fd, offset, done < total(parts, count) ? done : total(parts, count));
    return done;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) { return pwritev(fd, parts, count, offset); }

int fsync(int fd) {
    int result = real_fsync(fd);
    if (result == 0) synced(fd);
    return result;
}

int fdatasync(int fd) {
    int result = real_fdatasync(fd);
    if (result == 0) synced(fd);
    return result;
}

int unlink(const char *path) {
    forget(AT_FDCWD, path);
    return real_unlink(path);
}

int unlinkat(int folder, const char *path, int flags) {
    if (!(flags & AT_REMOVEDIR)) forget(folder, path);
    return real_unlinkat(folder, path, flags);
}

int rename(const char *from, const char *to) {
    forget(AT_FDCWD, to);
    return real_rename(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    forget(to_folder, to);
    return real_renameat(from_folder, from, to_folder, to);
}
