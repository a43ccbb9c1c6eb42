/* A Modbus TCP server of libmodbus, for one client at a time: server PORT. */
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    if (count != 2)
        return 2;
    modbus_t *server = modbus_new_tcp("127.0.0.1", atoi(arguments[1]));
    modbus_mapping_t *held = modbus_mapping_new(100, 100, 100, 100);
    modbus_set_float_abcd(50.01f, held->tab_input_registers + 70);
    modbus_set_float_dcba(50.01f, held->tab_input_registers + 80);
    held->tab_input_registers[90] = 1234;
    held->tab_bits[3] = 1;
    int listening = modbus_tcp_listen(server, 1);
    if (listening < 0)
        return 1;
    puts("libmodbus up");
    fflush(stdout);
    for (;;) {
        unsigned char query[MODBUS_TCP_MAX_ADU_LENGTH];
        int read;
        modbus_tcp_accept(server, &listening);
        while ((read = modbus_receive(server, query)) != -1)
            if (read > 0)
                modbus_reply(server, query, read, held);
        modbus_close(server);
    }
}
