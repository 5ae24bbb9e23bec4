/*
 * Prints what <linux/hyperv.h> says of the structs and numbers that we declare in
 * TypeScript, as JSON. tests/protocol/layout.test.ts compares the two.
 *
 *   cc -o target/dump-layout scripts/dump-layout.c &&
 *   target/dump-layout > tests/vectors/layout.json
 */
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>
#include <linux/hyperv.h>

static const char *separator;

static void begin(const char *name, size_t size)
{
	printf("%s\n    \"%s\": {\n      \"size\": %zu,\n      \"members\": {",
	       separator, name, size);
	separator = "";
}

static void member(const char *name, size_t offset, size_t size)
{
	printf("%s\n        \"%s\": [%zu, %zu]", separator, name, offset, size);
	separator = ",";
}

static void end(void)
{
	printf("\n      }\n    }");
	separator = ",";
}

static void constant(const char *name, unsigned long value)
{
	printf("%s\n    \"%s\": %lu", separator, name, value);
	separator = ",";
}

#define BEGIN(type) begin(#type, sizeof(struct type))
/* A member by its path, under the name of its last part. */
#define MEMBER(type, path, name) \
	member(name, offsetof(struct type, path), sizeof(((struct type *)0)->path))
#define CONSTANT(name) constant(#name, (unsigned long)(name))

static void kvp(void)
{
	BEGIN(hv_kvp_hdr);
	MEMBER(hv_kvp_hdr, operation, "operation");
	MEMBER(hv_kvp_hdr, pool, "pool");
	end();

	BEGIN(hv_kvp_register);
	MEMBER(hv_kvp_register, version, "version");
	end();

	BEGIN(hv_kvp_exchg_msg_value);
	MEMBER(hv_kvp_exchg_msg_value, value_type, "value_type");
	MEMBER(hv_kvp_exchg_msg_value, key_size, "key_size");
	MEMBER(hv_kvp_exchg_msg_value, value_size, "value_size");
	MEMBER(hv_kvp_exchg_msg_value, key, "key");
	MEMBER(hv_kvp_exchg_msg_value, value, "value");
	end();

	BEGIN(hv_kvp_msg_enumerate);
	MEMBER(hv_kvp_msg_enumerate, index, "index");
	MEMBER(hv_kvp_msg_enumerate, data.value_type, "value_type");
	MEMBER(hv_kvp_msg_enumerate, data.key_size, "key_size");
	MEMBER(hv_kvp_msg_enumerate, data.value_size, "value_size");
	MEMBER(hv_kvp_msg_enumerate, data.key, "key");
	MEMBER(hv_kvp_msg_enumerate, data.value, "value");
	end();

	BEGIN(hv_kvp_msg_delete);
	MEMBER(hv_kvp_msg_delete, key_size, "key_size");
	MEMBER(hv_kvp_msg_delete, key, "key");
	end();

	BEGIN(hv_kvp_ipaddr_value);
	MEMBER(hv_kvp_ipaddr_value, adapter_id, "adapter_id");
	MEMBER(hv_kvp_ipaddr_value, addr_family, "addr_family");
	MEMBER(hv_kvp_ipaddr_value, dhcp_enabled, "dhcp_enabled");
	MEMBER(hv_kvp_ipaddr_value, ip_addr, "ip_addr");
	MEMBER(hv_kvp_ipaddr_value, sub_net, "sub_net");
	MEMBER(hv_kvp_ipaddr_value, gate_way, "gate_way");
	MEMBER(hv_kvp_ipaddr_value, dns_addr, "dns_addr");
	end();

	BEGIN(hv_kvp_msg);
	MEMBER(hv_kvp_msg, kvp_hdr, "kvp_hdr");
	MEMBER(hv_kvp_msg, error, "error");
	MEMBER(hv_kvp_msg, body, "body");
	end();
}

static void vss(void)
{
	BEGIN(hv_vss_hdr);
	MEMBER(hv_vss_hdr, operation, "operation");
	end();

	BEGIN(hv_vss_msg);
	MEMBER(hv_vss_msg, error, "error");
	MEMBER(hv_vss_msg, vss_hdr.operation, "operation");
	MEMBER(hv_vss_msg, vss_cf.flags, "flags");
	end();
}

static void fcopy(void)
{
	BEGIN(hv_fcopy_hdr);
	MEMBER(hv_fcopy_hdr, operation, "operation");
	MEMBER(hv_fcopy_hdr, service_id0, "service_id0");
	MEMBER(hv_fcopy_hdr, service_id1, "service_id1");
	end();

	BEGIN(hv_start_fcopy);
	MEMBER(hv_start_fcopy, hdr, "hdr");
	MEMBER(hv_start_fcopy, file_name, "file_name");
	MEMBER(hv_start_fcopy, path_name, "path_name");
	MEMBER(hv_start_fcopy, copy_flags, "copy_flags");
	MEMBER(hv_start_fcopy, file_size, "file_size");
	end();

	BEGIN(hv_do_fcopy);
	MEMBER(hv_do_fcopy, hdr, "hdr");
	MEMBER(hv_do_fcopy, offset, "offset");
	MEMBER(hv_do_fcopy, size, "size");
	MEMBER(hv_do_fcopy, data, "data");
	end();
}

static void constants(void)
{
	CONSTANT(KVP_OP_GET);
	CONSTANT(KVP_OP_SET);
	CONSTANT(KVP_OP_DELETE);
	CONSTANT(KVP_OP_ENUMERATE);
	CONSTANT(KVP_OP_GET_IP_INFO);
	CONSTANT(KVP_OP_SET_IP_INFO);
	CONSTANT(KVP_OP_REGISTER1);
	CONSTANT(KVP_POOL_EXTERNAL);
	CONSTANT(KVP_POOL_GUEST);
	CONSTANT(KVP_POOL_AUTO);
	CONSTANT(KVP_POOL_AUTO_EXTERNAL);
	CONSTANT(KVP_POOL_AUTO_INTERNAL);
	CONSTANT(KVP_POOL_COUNT);
	CONSTANT(HV_KVP_EXCHANGE_MAX_KEY_SIZE);
	CONSTANT(HV_KVP_EXCHANGE_MAX_VALUE_SIZE);
	CONSTANT(REG_SZ);
	CONSTANT(VSS_OP_HOT_BACKUP);
	CONSTANT(VSS_OP_FREEZE);
	CONSTANT(VSS_OP_THAW);
	CONSTANT(VSS_OP_REGISTER1);
	CONSTANT(START_FILE_COPY);
	CONSTANT(WRITE_TO_FILE);
	CONSTANT(COMPLETE_FCOPY);
	CONSTANT(CANCEL_FCOPY);
	CONSTANT(FCOPY_VERSION_1);
	CONSTANT(OVER_WRITE);
	CONSTANT(CREATE_PATH);
	CONSTANT(DATA_FRAGMENT);
	CONSTANT(W_MAX_PATH);
	CONSTANT(HV_S_OK);
	CONSTANT(HV_E_FAIL);
	CONSTANT(HV_S_CONT);
	CONSTANT(HV_ERROR_NOT_SUPPORTED);
	CONSTANT(HV_ERROR_MACHINE_LOCKED);
	CONSTANT(HV_ERROR_DEVICE_NOT_CONNECTED);
	CONSTANT(HV_INVALIDARG);
	CONSTANT(HV_GUID_NOTFOUND);
	CONSTANT(HV_ERROR_ALREADY_EXISTS);
	CONSTANT(HV_ERROR_DISK_FULL);
}

int main(void)
{
	separator = "";
	printf("{\n  \"structs\": {");
	kvp();
	vss();
	fcopy();
	printf("\n  },\n  \"constants\": {");
	separator = "";
	constants();
	printf("\n  }\n}\n");
	return 0;
}
