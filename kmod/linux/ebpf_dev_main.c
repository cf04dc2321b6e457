// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ebpf_dev.ko: /dev/ebpf. A session for each open, an ioctl that carries a
 * request and the room for its reply, a short one that is both (abi/chardev.h);
 * everything else is in device/. Owner root, mode 0600; udev may give it a
 * group.
 */
#include "abi/version.h"
#include "abi/chardev.h"
#include "abi/wire.h"
#include "core/os.h"
#include "device/device.h"
#include "ebpf_dev.h"
#include "ebpf_linux.h"

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

static struct ebpf_device *device;

enum {
	SMALL = 2048, /* messages up to that size need no memory of their own */
	KEPT = 512 << 10, /* replies up to that size are kept for the next */
};

/*
 * One open file; the lock keeps its calls one at a time. A call may wait for
 * minutes, for records of a map; whoever waits for that call can be killed.
 */
struct handle {
	struct ebpf_session *session;
	struct mutex lock; /* also what follows */
	void *kept;	   /* of this size, NULL: there was no large reply */
	size_t kept_size;
	uint64_t request[SMALL / 8], reply[SMALL / 8];
};

/* As os_alloc(), counted and failing with the rest, but zeroed only if asked. */
static void *
message_alloc(size_t size, gfp_t zero)
{
	void *memory;

	if (!os_linux_allocate())
		return NULL;
	memory = kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN | zero);
	if (!memory)
		os_linux_release();
	return memory;
}

static void
message_free(void *memory)
{
	if (!memory)
		return;
	kvfree(memory);
	os_linux_release();
}

/*
 * Room for a reply, cleared, or with replies to this handle in it and nothing
 * else: a reader of records asks again and again for much, and gets little.
 */
static void *
reply_room(struct handle *handle, size_t size)
{
	void *room;

	if (size <= SMALL)
		return handle->reply;
	if (size <= handle->kept_size)
		return handle->kept;
	room = message_alloc(size, __GFP_ZERO);
	if (room && size <= KEPT) {
		message_free(handle->kept);
		handle->kept = room;
		handle->kept_size = size;
	}
	return room;
}

static int
handle_open(struct inode *inode, struct file *file)
{
	struct handle *handle = os_alloc(sizeof(*handle));
	int error;

	if (!handle)
		return -ENOMEM;
	mutex_init(&handle->lock);
	error = ebpf_session_open(
		device, from_kuid_munged(&init_user_ns, current_uid()),
		&handle->session);
	if (error) {
		os_free(handle);
		return error == -EBPF_ELIMIT ? -EMFILE : -ENOMEM;
	}
	file->private_data = handle;
	return 0;
}

static int
handle_release(struct inode *inode, struct file *file)
{
	struct handle *handle = file->private_data;

	ebpf_session_close(handle->session);
	message_free(handle->kept);
	os_free(handle);
	return 0;
}

/*
 * Carry one message, copied once: what is checked is what is used. The lock is
 * held, and a copy may wait for the caller's memory; that is the caller's own
 * session, so nobody else waits with it.
 */
static long
carry(struct handle *handle, struct ebpf_chardev_call *call, void *request,
      void *reply)
{
	if (copy_from_user(request, u64_to_user_ptr(call->request),
			   call->request_len))
		return -EFAULT;
	call->reply_len = ebpf_dispatch(handle->session, request,
					call->request_len, reply,
					call->reply_cap);
	return copy_to_user(u64_to_user_ptr(call->reply), reply,
			    call->reply_len) ?
		       -EFAULT :
		       0;
}

/*
 * Whole words between the caller's memory and ours, as many as are known to
 * fit: for so few it takes less than the kernel's routine for any number, which
 * first asks what kind of memory ours is. False: a fault.
 */
static __always_inline bool
words_get(uint64_t *to, const uint64_t __user *from, size_t count)
{
	size_t i;

	if (!user_read_access_begin(from, count * sizeof(*from)))
		return false;
	for (i = 0; i < count; i++)
		unsafe_get_user(to[i], &from[i], fault);
	user_read_access_end();
	return true;
fault:
	user_read_access_end();
	return false;
}

/* Of the last word only the bytes that count. */
static __always_inline bool
words_put(uint64_t __user *to, const uint64_t *from, size_t len)
{
	const uint8_t *byte = (const uint8_t *)from;
	size_t i, whole = len / sizeof(*to);

	if (!user_write_access_begin(to, len))
		return false;
	for (i = 0; i < whole; i++)
		unsafe_put_user(from[i], &to[i], fault);
	for (i = whole * sizeof(*to); i < len; i++)
		unsafe_put_user(byte[i], (uint8_t __user *)to + i, fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

/*
 * The hot way: on the stack, copied once. Not inline: the long way shall not
 * pay for this stack.
 */
static noinline long
call_short(struct handle *handle, uint64_t __user *place, size_t size)
{
	uint64_t request[EBPF_CHARDEV_SHORT_MAX / 8] OS_NOT_CLEARED;
	uint64_t reply[EBPF_CHARDEV_SHORT_MAX / 8] OS_NOT_CLEARED;
	const struct ebpf_msg *msg = (const struct ebpf_msg *)request;
	size_t len, i;

	if (unlikely(size < sizeof(*msg) || size > sizeof(request) ||
		     size % 8 != 0))
		return -EMSGSIZE;
	if (unlikely(!words_get(request, place, size / 8)))
		return -EFAULT;
	if (unlikely(msg->size < sizeof(*msg) || msg->size > size ||
		     msg->reply_max < sizeof(struct ebpf_reply) ||
		     msg->reply_max > sizeof(reply)))
		return -EMSGSIZE;
	for (i = 0; i < msg->reply_max; i += 8)
		reply[i / 8] = 0;
	if (unlikely(mutex_lock_killable(&handle->lock)))
		return -EINTR;
	len = ebpf_dispatch(handle->session, request, msg->size, reply,
			    msg->reply_max);
	mutex_unlock(&handle->lock);
	return likely(words_put(place, reply, len)) ? 0 : -EFAULT;
}

static long
handle_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct handle *handle = file->private_data;
	void *request = handle->request, *reply;
	struct ebpf_chardev_call call;
	long error = -ENOMEM;

	if (likely(command ==
		   EBPF_CHARDEV_SHORT(EBPF_CHARDEV_SHORT_SIZE(command))))
		return call_short(handle, (uint64_t __user *)argument,
				  EBPF_CHARDEV_SHORT_SIZE(command));
	if (command != EBPF_CHARDEV_CALL)
		return -ENOTTY;
	if (copy_from_user(&call, (void __user *)argument, sizeof(call)))
		return -EFAULT;
	if (call.pad)
		return -EINVAL;
	if (call.request_len < sizeof(struct ebpf_msg) ||
	    call.request_len > EBPF_MSG_MAX ||
	    call.reply_cap < sizeof(struct ebpf_reply) ||
	    call.reply_cap > EBPF_MSG_MAX)
		return -EMSGSIZE;
	if (call.request_len > SMALL) {
		request = message_alloc(call.request_len, 0);
		if (!request)
			return error;
	}
	if (mutex_lock_killable(&handle->lock)) {
		error = -EINTR;
		goto out;
	}
	reply = reply_room(handle, call.reply_cap);
	if (reply)
		error = carry(handle, &call, request, reply);
	if (reply != handle->reply && reply != handle->kept)
		message_free(reply);
	mutex_unlock(&handle->lock);
	if (!error &&
	    copy_to_user((void __user *)argument, &call, sizeof(call)))
		error = -EFAULT;
out:
	if (request != handle->request)
		message_free(request);
	return error;
}

/*
 * Readable: see ebpf_session_readable(). One queue for all events, because what
 * a session waits for comes and goes while it waits, and a queue must not.
 */
static __poll_t
handle_poll(struct file *file, poll_table *table)
{
	struct handle *handle = file->private_data;
	__poll_t mask = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &ebpf_linux_events, table);
	if (mutex_lock_killable(&handle->lock))
		return 0;
	if (ebpf_session_readable(handle->session))
		mask |= EPOLLIN | EPOLLRDNORM;
	mutex_unlock(&handle->lock);
	return mask;
}

static int
handle_mmap(struct file *file, struct vm_area_struct *area)
{
	struct handle *handle = file->private_data;

	return ebpf_dev_share(handle->session, area);
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = handle_open,
	.release = handle_release,
	.unlocked_ioctl = handle_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = handle_poll,
	.mmap = handle_mmap,
	.llseek = noop_llseek,
};

static struct miscdevice node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ebpf",
	.mode = 0600,
	.fops = &operations,
};

static int __init
ebpf_dev_init(void)
{
	struct ebpf_device_config config = {
		.rt = ebpf_linux_runtime(),
		.home = EBPF_HOME_KERNEL,
		.switches = &ebpf_linux_switches,
	};
	int error;

	if (ebpf_device_create(&config, &device))
		return -ENOMEM;
	error = misc_register(&node);
	if (error)
		ebpf_device_destroy(device);
	return error;
}

static void __exit
ebpf_dev_exit(void)
{
	misc_deregister(&node);
	ebpf_device_destroy(device);
}

module_init(ebpf_dev_init);
module_exit(ebpf_dev_exit);
MODULE_DESCRIPTION("device of the portable eBPF runtime: /dev/ebpf");
MODULE_VERSION(EBPF_RELEASE);
MODULE_LICENSE("Dual BSD/GPL");
MODULE_AUTHOR("the gebpf authors");
